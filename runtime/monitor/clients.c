/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/clients.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER   sizeof(struct control_header)
#define TAIL_MAX (4U << 20) /* output kept for clients after the container's end */

void clients_init(struct clients *t, int listener)
{
	t->listener = listener;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		t->items[i].fd = -1;
		t->items[i].buffers = &t->buffers[i];
	}
	t->out = t->first;
	t->out_cap = sizeof(t->first);
	t->out_len = 0;
	t->ended = false;
}

static void drop(struct client *c)
{
	close(c->fd);
	c->fd = -1;
	c->attached = false;
	c->input_len = 0;
	/* has_input stays for clients_input_ended to find. */
	c->input_ended = c->has_input;
}

static struct client *add(struct clients *t, int fd)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &t->items[i];

		if (c->fd >= 0 || (c->has_input && c->input_ended))
			continue;
		c->fd = fd;
		c->attached = c->has_input = c->input_ended = c->starter = false;
		c->reply_due = c->started_due = c->exit_sent = false;
		c->credit = 0;
		c->sent = t->out_len;
		c->frame_len = c->frame_sent = c->in_len = c->input_start = c->input_len = 0;
		return c;
	}
	close(fd);
	return NULL;
}

/* ---- To a client */

/* Sends what fits. Returns true when all of it went. */
static bool push(struct client *c, const unsigned char *data, size_t len, size_t *sent)
{
	while (*sent < len) {
		ssize_t n = send(c->fd, data + *sent, len - *sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				drop(c);
			return false;
		}
		*sent += (size_t)n;
	}
	return true;
}

static void make_frame(struct client *c, enum control_type type, const void *payload, size_t len)
{
	struct control_header header = { .type = type, .length = (uint32_t)len };

	memcpy(c->frame, &header, HEADER);
	if (len)
		memcpy(c->frame + HEADER, payload, len);
	c->frame_len = HEADER + len;
	c->frame_sent = 0;
}

/* The next frame of the client's own, if one is due. These go only between frames of the shared output: at its beginning
 * or its end. EXIT comes after all output. */
static bool next_frame(const struct clients *t, struct client *c)
{
	bool all = !c->attached || c->sent == t->out_len;

	if (!all && c->sent != 0)
		return false;
	if (c->started_due) {
		make_frame(c, CONTROL_STARTED, NULL, 0);
		c->started_due = false;
	} else if (c->reply_due) {
		make_frame(c, CONTROL_REPLY, &c->reply, sizeof(c->reply));
		c->reply_due = false;
	} else if (c->credit) {
		make_frame(c, CONTROL_CREDIT, &c->credit, sizeof(c->credit));
		c->credit = 0;
	} else if (t->ended && all && !c->exit_sent) {
		make_frame(c, CONTROL_EXIT, &t->exit, sizeof(t->exit));
		c->exit_sent = true;
	} else {
		return false;
	}
	return true;
}

static void flush(struct clients *t, struct client *c)
{
	while (c->fd >= 0) {
		if (!push(c, c->frame, c->frame_len, &c->frame_sent))
			return;
		if (c->exit_sent) {
			drop(c);
			return;
		}
		if (next_frame(t, c))
			continue;
		if (!c->attached || c->sent == t->out_len)
			return;
		if (!push(c, t->out, t->out_len, &c->sent))
			return;
	}
}

static bool wants_write(const struct clients *t, const struct client *c)
{
	return c->frame_sent < c->frame_len || (c->attached && c->sent < t->out_len);
}

void clients_add_starter(struct clients *t, int fd, uint32_t attach)
{
	struct client *c = add(t, fd);

	c->starter = true;
	c->attached = attach & CONTROL_ATTACH_OUTPUT;
	c->has_input = attach & CONTROL_ATTACH_STDIN;
}

void clients_started(struct clients *t)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &t->items[i];

		if (c->fd < 0 || !c->starter)
			continue;
		c->started_due = true;
		flush(t, c);
		if (c->fd >= 0 && !c->attached)
			drop(c);
	}
}

bool clients_idle(struct clients *t)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (t->items[i].fd >= 0 && t->items[i].attached && t->items[i].sent < t->out_len)
			return false;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		t->items[i].sent = 0;
	t->out_len = 0;
	return true;
}

/* Makes room in the growing buffer after the container's end, or gives up those who hold it up. */
static void grow(struct clients *t)
{
	size_t cap = 2 * t->out_cap;
	unsigned char *bigger = cap <= TAIL_MAX ? malloc(cap) : NULL;

	if (!bigger) {
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (t->items[i].fd >= 0 && t->items[i].attached &&
			    t->items[i].sent < t->out_len)
				drop(&t->items[i]);
		clients_idle(t);
		return;
	}
	memcpy(bigger, t->out, t->out_len);
	if (t->out != t->first)
		free(t->out);
	t->out = bigger;
	t->out_cap = cap;
}

unsigned char *clients_reserve(struct clients *t, size_t *room)
{
	if (!clients_idle(t) && t->out_cap - t->out_len < HEADER + CONTROL_PAYLOAD_MAX)
		grow(t);
	*room = t->out_cap - t->out_len - HEADER;
	if (*room > CONTROL_PAYLOAD_MAX)
		*room = CONTROL_PAYLOAD_MAX;
	return t->out + t->out_len + HEADER;
}

void clients_publish(struct clients *t, enum control_type stream, size_t len)
{
	struct control_header header = { .type = stream, .length = (uint32_t)len };

	memcpy(t->out + t->out_len, &header, HEADER);
	t->out_len += HEADER + len;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &t->items[i];

		if (c->fd < 0)
			continue;
		if (c->attached)
			flush(t, c);
		else
			c->sent = t->out_len;
	}
}

/* ---- From a client */

const unsigned char *clients_input(const struct clients *t, size_t *len)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *c = &t->items[i];

		if (c->fd >= 0 && c->input_len) {
			*len = c->input_len;
			return c->buffers->input + c->input_start;
		}
	}
	return NULL;
}

void clients_input_taken(struct clients *t, size_t len)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &t->items[i];

		if (c->fd < 0 || !c->input_len)
			continue;
		c->input_start += len;
		c->input_len -= len;
		c->credit += (uint32_t)len;
		if (!c->input_len)
			c->input_start = 0;
		flush(t, c);
		return;
	}
}

bool clients_input_ended(struct clients *t)
{
	bool ended = false;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &t->items[i];

		if (!c->has_input)
			continue;
		if (!c->input_ended || c->input_len)
			return false;
		ended = true;
	}
	for (size_t i = 0; ended && i < CLIENTS_MAX; i++)
		t->items[i].has_input = t->items[i].input_ended = false;
	return ended;
}

static bool take_input(struct client *c, const unsigned char *data, size_t len)
{
	if (!c->has_input || c->input_ended || len > sizeof(c->buffers->input) - c->input_len)
		return false;
	if (c->input_start + c->input_len + len > sizeof(c->buffers->input)) {
		memmove(c->buffers->input, c->buffers->input + c->input_start, c->input_len);
		c->input_start = 0;
	}
	memcpy(c->buffers->input + c->input_start + c->input_len, data, len);
	c->input_len += len;
	return true;
}

/* A client has at most one question open, or its answers would need a queue. */
static void reply(struct client *c, int code)
{
	c->reply = (uint32_t)code;
	c->reply_due = true;
}

/* Returns false for a request that breaks the rules. */
static bool request(struct clients *t, struct client *c, uint32_t type, const unsigned char *data,
		    size_t len, const struct client_handlers *h)
{
	struct control_resize resize;
	struct control_signal sig;
	uint32_t flags;
	int code;

	switch (type) {
	case CONTROL_ATTACH:
		if (len != sizeof(flags) || c->attached)
			return false;
		memcpy(&flags, data, sizeof(flags));
		c->attached = flags & CONTROL_ATTACH_OUTPUT;
		c->has_input = flags & CONTROL_ATTACH_STDIN;
		c->sent = t->out_len;
		return true;
	case CONTROL_STDIN:
		return take_input(c, data, len);
	case CONTROL_STDIN_END:
		c->input_ended = c->has_input;
		return len == 0;
	case CONTROL_RESIZE:
		if (len != sizeof(resize))
			return false;
		memcpy(&resize, data, sizeof(resize));
		h->resize(h->arg, resize.rows, resize.cols);
		return true;
	case CONTROL_SIGNAL:
		if (len != sizeof(sig) || c->reply_due)
			return false;
		memcpy(&sig, data, sizeof(sig));
		code = sig.signo <= 64 ? h->signal(h->arg, (int)sig.signo, sig.flags) : EINVAL;
		if (sig.flags & CONTROL_SIGNAL_REPLY)
			reply(c, code);
		return true;
	case CONTROL_PAUSE:
	case CONTROL_UNPAUSE:
		if (len || c->reply_due)
			return false;
		reply(c, h->pause(h->arg, type == CONTROL_PAUSE));
		return true;
	default:
		return false;
	}
}

/* Reads once and handles the whole requests. */
static void receive(struct clients *t, struct client *c, const struct client_handlers *h)
{
	ssize_t n = recv(c->fd, c->buffers->in + c->in_len, sizeof(c->buffers->in) - c->in_len,
			 MSG_DONTWAIT);
	size_t at = 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	c->in_len += (size_t)n;
	while (c->in_len - at >= HEADER) {
		struct control_header header;

		memcpy(&header, c->buffers->in + at, HEADER);
		if (header.length > CONTROL_REQUEST_MAX) {
			drop(c);
			return;
		}
		if (c->in_len - at < HEADER + header.length)
			break;
		if (!request(t, c, header.type, c->buffers->in + at + HEADER, header.length, h)) {
			drop(c);
			return;
		}
		at += HEADER + header.length;
	}
	memmove(c->buffers->in, c->buffers->in + at, c->in_len - at);
	c->in_len -= at;
	flush(t, c);
}

/* ---- The loop */

static bool have_room(const struct clients *t)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (t->items[i].fd < 0 && !t->items[i].has_input)
			return true;
	return false;
}

size_t clients_poll(struct clients *t, struct pollfd *p)
{
	size_t n = 0;

	if (t->listener >= 0 && have_room(t))
		p[n++] = (struct pollfd){ .fd = t->listener, .events = POLLIN };
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *c = &t->items[i];

		if (c->fd >= 0)
			p[n++] = (struct pollfd){
				.fd = c->fd,
				.events = (short)(POLLIN | (wants_write(t, c) ? POLLOUT : 0))
			};
	}
	return n;
}

static void accept_all(struct clients *t)
{
	int fd;

	while (have_room(t) && (fd = accept4(t->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		add(t, fd);
}

void clients_handle(struct clients *t, const struct pollfd *p, size_t n,
		    const struct client_handlers *h)
{
	for (size_t k = 0; k < n; k++) {
		if (!p[k].revents)
			continue;
		if (p[k].fd == t->listener) {
			accept_all(t);
			continue;
		}
		for (size_t i = 0; i < CLIENTS_MAX; i++) {
			struct client *c = &t->items[i];

			if (c->fd != p[k].fd)
				continue;
			if (p[k].revents & POLLOUT)
				flush(t, c);
			if (c->fd >= 0 && (p[k].revents & (POLLIN | POLLHUP | POLLERR)))
				receive(t, c, h);
			break;
		}
	}
}

void clients_run_over(struct clients *t, const struct control_exit *exit)
{
	t->exit = *exit;
	t->ended = true;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (t->items[i].fd >= 0)
			flush(t, &t->items[i]);
}

void clients_exit(struct clients *t, const struct control_exit *exit)
{
	accept_all(t);
	close(t->listener);
	t->listener = -1;
	clients_run_over(t, exit);
}

void clients_next_run(struct clients *t)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &t->items[i];

		if (c->fd >= 0)
			drop(c);
		c->has_input = c->input_ended = false;
	}
	if (t->out != t->first)
		free(t->out);
	t->out = t->first;
	t->out_cap = sizeof(t->first);
	t->out_len = 0;
	t->ended = false;
}

bool clients_left(const struct clients *t)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (t->items[i].fd >= 0)
			return true;
	return false;
}
