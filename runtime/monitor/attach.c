/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/monitor/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "runtime/container/control.h"
#include "runtime/monitor/terminal.h"
#include "runtime/spec/kernel.h"

#define TYPED_MAX CONTROL_REQUEST_MAX

/* Output that waits for our stdout or stderr. Written only when poll(2) says that it goes: a pager that does not read must
 * not keep us from passing a ^C on. */
struct outlet {
	int fd;
	bool careful; /* a pipe or socket: what poll promises is PIPE_BUF bytes */
	const unsigned char *data;
	size_t len;
};

static void outlet_init(struct outlet *o, int fd)
{
	struct stat st;

	o->fd = fd;
	o->careful = fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
	o->data = NULL;
	o->len = 0;
}

/* Writes a part. -1 with err when the reader is gone or the disk full. */
static int outlet_write(struct outlet *o, struct error *err)
{
	size_t part = o->careful && o->len > 4096 ? 4096 : o->len;
	ssize_t n = write(o->fd, o->data, part);

	if (n < 0) {
		if (errno == EINTR || errno == EAGAIN)
			return 0;
		return error_errno(err, "cannot write to standard %s",
				   o->fd == STDOUT_FILENO ? "output" : "error");
	}
	o->data += n;
	o->len -= (size_t)n;
	return 0;
}

/* ---- Before and after */

int attach_prepare(struct attach *a, struct error *err)
{
	if (a->tty && a->input && !isatty(STDIN_FILENO)) {
		error_set(err, ENOTTY, "the input device is not a TTY");
		return error_status(err, 1);
	}
	a->signal_fd = terminal_signals(&a->old_mask, err);
	return a->signal_fd < 0 ? -1 : 0;
}

void attach_finish(struct attach *a)
{
	terminal_restore();
	if (a->signal_fd < 0)
		return;
	cleanup_close(&a->signal_fd);
	a->signal_fd = -1;
	sigprocmask(SIG_SETMASK, &a->old_mask, NULL);
}

/* ---- What both kinds of program share. A session sends by its own means. */

struct session {
	struct attach *a;
	struct detach_keys keys;
	bool input_open, detached;
	void (*resize)(struct session *s, unsigned short rows, unsigned short cols);
	void (*signal)(struct session *s, int signo);
	int fd;    /* the monitor's connection, or the terminal's master (-1: none) */
	int pidfd; /* a child's */
	unsigned char typed[TYPED_MAX];
};

static void follow_size(struct session *s)
{
	unsigned short rows, cols;

	if (!s->a->tty)
		return;
	terminal_size(isatty(STDIN_FILENO) ? STDIN_FILENO : STDOUT_FILENO, &rows, &cols);
	if (rows && cols)
		s->resize(s, rows, cols);
}

static int session_begin(struct session *s, struct error *err)
{
	s->input_open = s->a->input;
	follow_size(s);
	if (!s->a->tty || !s->a->input)
		return 0;
	s->keys = s->a->keys;
	return terminal_raw(STDIN_FILENO, err);
}

/* A signal that means us does what it would have done without us having a signalfd: it ends us, or stops us for a while. */
static void suffer(struct session *s, int signo)
{
	sigset_t one, old;

	terminal_restore();
	sigemptyset(&one);
	sigaddset(&one, signo);
	sigprocmask(SIG_UNBLOCK, &one, &old);
	raise(signo);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (s->a->tty && s->a->input)
		terminal_raw(STDIN_FILENO, NULL);
}

static void take_signals(struct session *s)
{
	int signo;

	while ((signo = terminal_next_signal(s->a->signal_fd)) > 0) {
		if (signo == SIGWINCH)
			follow_size(s);
		else if (s->a->pass_signals)
			s->signal(s, signo);
		else
			suffer(s, signo);
	}
}

/* Reads what is typed, at most max bytes, into s->typed. Returns its length; 0 for nothing (yet), also at the end, which
 * closes s->input_open. */
static size_t read_typed(struct session *s, size_t max)
{
	char raw[TYPED_MAX];
	ssize_t n;

	/* Keys that were held back may come in front. */
	max = max < TYPED_MAX ? max : TYPED_MAX;
	n = read(STDIN_FILENO, raw, max - s->keys.held);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		s->input_open = false;
		return 0;
	}
	return detach_keys_filter(&s->keys, raw, (size_t)n, (char *)s->typed, &s->detached);
}

/* ---- A container, through its monitor */

struct remote {
	struct session session;
	struct outlet out[2];
	struct control_frame frame;
	uint32_t credit;
	bool over;
};

static void remote_resize(struct session *s, unsigned short rows, unsigned short cols)
{
	struct control_resize resize = { rows, cols };

	control_send(s->fd, CONTROL_RESIZE, &resize, sizeof(resize));
}

static void remote_signal(struct session *s, int signo)
{
	struct control_signal request = { .signo = (uint32_t)signo };

	control_send(s->fd, CONTROL_SIGNAL, &request, sizeof(request));
}

/* A frame from the monitor. Returns 1 at EXIT, 0 to go on, -1 with err. */
static int remote_frame(struct remote *r, int *code, struct error *err)
{
	struct control_frame *f = &r->frame;
	struct control_exit last;
	uint32_t credit;
	struct outlet *o;
	int n = control_read(r->session.fd, f);

	if (n <= 0)
		return error_set(err, EPIPE, "the container's monitor died");
	switch (f->type) {
	case CONTROL_STDOUT:
	case CONTROL_STDERR:
		if (r->session.a->mute[f->type == CONTROL_STDERR])
			return 0;
		o = &r->out[f->type == CONTROL_STDERR];
		o->data = f->payload;
		o->len = f->length;
		return 0;
	case CONTROL_CREDIT:
		if (f->length == sizeof(credit)) {
			memcpy(&credit, f->payload, sizeof(credit));
			r->credit += credit;
		}
		return 0;
	case CONTROL_EXIT:
		if (f->length != sizeof(last))
			return error_set(err, EPROTO,
					 "the container's monitor speaks another language");
		memcpy(&last, f->payload, sizeof(last));
		*code = last.code;
		return 1;
	default:
		return 0;
	}
}

static void remote_typed(struct remote *r)
{
	struct session *s = &r->session;
	size_t n = read_typed(s, r->credit);

	/* A monitor that is gone shows at the next read; what was typed for it is nobody's any more. */
	if (n && control_send(s->fd, CONTROL_STDIN, s->typed, n) == 0)
		r->credit -= (uint32_t)n;
	if (!s->input_open)
		control_send(s->fd, CONTROL_STDIN_END, NULL, 0);
}

static enum attach_end remote_loop(struct remote *r, int *code, struct error *err)
{
	struct session *s = &r->session;

	for (;;) {
		struct outlet *o = r->out[0].len ? &r->out[0] : r->out[1].len ? &r->out[1] : NULL;
		struct pollfd p[4] = {
			{ .fd = o ? -1 : s->fd, .events = POLLIN },
			{ .fd = o ? o->fd : -1, .events = POLLOUT },
			{ .fd = s->a->signal_fd, .events = POLLIN },
			{ .fd = s->input_open && r->credit > s->keys.held ? STDIN_FILENO : -1,
			  .events = POLLIN },
		};
		int n;

		if (poll(p, 4, -1) < 0) {
			if (errno == EINTR)
				continue;
			error_errno(err, "poll");
			return ATTACH_FAILED;
		}
		if (p[2].revents)
			take_signals(s);
		if (p[1].revents && outlet_write(o, err) < 0)
			return ATTACH_FAILED;
		if (p[3].revents)
			remote_typed(r);
		if (s->detached)
			return ATTACH_DETACHED;
		if (!p[0].revents)
			continue;
		n = remote_frame(r, code, err);
		if (n != 0)
			return n > 0 ? ATTACH_EXITED : ATTACH_FAILED;
	}
}

enum attach_end attach_monitor(struct attach *a, int fd, int *code, struct error *err)
{
	struct remote r;
	enum attach_end end;

	memset(&r, 0, sizeof(r));
	r.session.a = a;
	r.session.fd = fd;
	r.session.resize = remote_resize;
	r.session.signal = remote_signal;
	r.credit = CONTROL_WINDOW;
	outlet_init(&r.out[0], STDOUT_FILENO);
	outlet_init(&r.out[1], STDERR_FILENO);
	if (session_begin(&r.session, err) < 0)
		return ATTACH_FAILED;
	end = remote_loop(&r, code, err);
	terminal_restore();
	return end;
}

/* ---- A child of our own */

struct local {
	struct session session;
	struct outlet out[2];
	int in, from[2];
	unsigned char *buffer[2]; /* output of each stream, CONTROL_PAYLOAD_MAX bytes */
	size_t typed_at, typed_len;
	bool dead;
};

static void local_resize(struct session *s, unsigned short rows, unsigned short cols)
{
	if (s->fd >= 0)
		terminal_resize(s->fd, rows, cols);
}

static void local_signal(struct session *s, int signo)
{
	sys_pidfd_send_signal(s->pidfd, signo);
}

/* Reads from the child. At the end of a stream (EIO: a terminal nobody has open) the stream is left. */
static void local_read(struct local *l, int i)
{
	ssize_t n = read(l->from[i], l->buffer[i], CONTROL_PAYLOAD_MAX);

	if (n > 0) {
		l->out[i].data = l->buffer[i];
		l->out[i].len = (size_t)n;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		l->from[i] = -1;
	} else if (errno == EAGAIN && l->dead) {
		/* Another process of the container has our pipe still open, a daemon it left behind. As with Docker,
		 * the end of the program is the end. */
		l->from[i] = -1;
	}
}

static void close_in(struct local *l)
{
	if (!l->session.a->tty)
		cleanup_close(&l->in);
	l->in = -1;
}

static void local_feed(struct local *l)
{
	ssize_t n = write(l->in, l->session.typed + l->typed_at, l->typed_len);

	if (n > 0) {
		l->typed_at += (size_t)n;
		l->typed_len -= (size_t)n;
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		l->typed_len = 0;
		l->session.input_open = false;
		close_in(l);
	}
}

static void local_typed(struct local *l)
{
	l->typed_at = 0;
	l->typed_len = read_typed(&l->session, TYPED_MAX);
	if (!l->session.input_open)
		close_in(l);
}

static int local_poll(struct local *l, struct pollfd p[6])
{
	const struct session *s = &l->session;
	bool typing = l->in >= 0 && l->typed_len;

	for (int i = 0; i < 2; i++) {
		bool full = l->out[i].len > 0;

		p[i] = (struct pollfd){ .fd = full ? l->out[i].fd : l->from[i],
					.events = full ? POLLOUT : POLLIN };
	}
	p[2] = (struct pollfd){ .fd = s->a->signal_fd, .events = POLLIN };
	p[3] = (struct pollfd){ .fd = l->dead ? -1 : s->pidfd, .events = POLLIN };
	p[4] = (struct pollfd){ .fd = s->input_open && !l->typed_len && !l->dead ? STDIN_FILENO
										 : -1,
				.events = POLLIN };
	p[5] = (struct pollfd){ .fd = typing && !l->dead ? l->in : -1, .events = POLLOUT };
	/* Once it is dead, reading tells what is left; nothing more is waited for but our own readers. */
	return poll(p, 6, l->dead && !l->out[0].len && !l->out[1].len ? 0 : -1);
}

static enum attach_end local_loop(struct local *l, struct error *err)
{
	struct session *s = &l->session;
	struct pollfd p[6];

	while (!l->dead || l->from[0] >= 0 || l->from[1] >= 0 || l->out[0].len || l->out[1].len) {
		if (local_poll(l, p) < 0) {
			if (errno == EINTR)
				continue;
			error_errno(err, "poll");
			return ATTACH_FAILED;
		}
		for (int i = 0; i < 2; i++) {
			if (l->out[i].len) {
				if (p[i].revents && outlet_write(&l->out[i], err) < 0)
					return ATTACH_FAILED;
			} else if (l->from[i] >= 0 && (p[i].revents || l->dead)) {
				local_read(l, i);
			}
		}
		if (p[2].revents)
			take_signals(s);
		if (p[4].revents)
			local_typed(l);
		if (p[5].revents)
			local_feed(l);
		if (p[3].revents)
			l->dead = true;
		if (s->detached)
			return ATTACH_DETACHED;
	}
	return ATTACH_EXITED;
}

enum attach_end attach_child(struct attach *a, int pidfd, int in, int out, int error, int *code,
			     struct error *err)
{
	static unsigned char buffers[2][CONTROL_PAYLOAD_MAX];
	struct local l;
	siginfo_t info = { 0 };
	enum attach_end end;

	memset(&l, 0, sizeof(l));
	l.session.a = a;
	l.session.fd = a->tty ? out : -1;
	l.session.pidfd = pidfd;
	l.session.resize = local_resize;
	l.session.signal = local_signal;
	l.in = in;
	l.from[0] = out;
	l.from[1] = error;
	l.buffer[0] = buffers[0];
	l.buffer[1] = buffers[1];
	outlet_init(&l.out[0], STDOUT_FILENO);
	outlet_init(&l.out[1], STDERR_FILENO);
	for (int i = 0; i < 2; i++)
		if (l.from[i] >= 0)
			fcntl(l.from[i], F_SETFL, fcntl(l.from[i], F_GETFL) | O_NONBLOCK);
	if (in >= 0)
		fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
	end = session_begin(&l.session, err) < 0 ? ATTACH_FAILED : local_loop(&l, err);
	close_in(&l);
	terminal_restore();
	if (end != ATTACH_EXITED)
		return end;
	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0) {
		error_errno(err, "cannot learn how the program ended");
		return ATTACH_FAILED;
	}
	*code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	return end;
}
