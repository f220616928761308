/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "init/winsize.h"

#include "init/file.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define SIDE_MAX 4095
#define BURST_MS 10

static size_t number(const char *buf, size_t len, size_t at, unsigned *value)
{
	size_t start = at;

	*value = 0;
	while (at < len && buf[at] >= '0' && buf[at] <= '9' && *value <= SIDE_MAX)
		*value = *value * 10 + (unsigned)(buf[at++] - '0');
	return at > start && *value >= 1 && *value <= SIDE_MAX ? at : 0;
}

bool winsize_take_answer(char *buf, size_t *len, unsigned short *rows, unsigned short *cols)
{
	for (size_t start = 0; start + 6 <= *len; start++) {
		unsigned r, c;
		size_t at;

		if (buf[start] != '\033' || buf[start + 1] != '[')
			continue;
		at = number(buf, *len, start + 2, &r);
		if (at == 0 || at >= *len || buf[at] != ';')
			continue;
		at = number(buf, *len, at + 1, &c);
		if (at == 0 || at >= *len || buf[at] != 'R')
			continue;
		at++;
		memmove(buf + start, buf + at, *len - at);
		*len -= at - start;
		*rows = (unsigned short)r;
		*cols = (unsigned short)c;
		return true;
	}
	return false;
}

bool winsize_ask(int fd, int64_t until, int gate_fd)
{
	/* Save the cursor, free the scroll region, go to the far corner, ask, come back. */
	static const char question[] = "\0337\033[r\033[999;999H\033[6n\0338";
	char typed[1024];
	size_t len = 0;
	struct winsize size = { 0 };
	struct termios before, raw;
	bool answered = false;

	if (tcgetattr(fd, &before) < 0)
		return false;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		return false;
	if (write(fd, question, sizeof question - 1) < 0)
		until = 0;
	while (!answered && len < sizeof typed) {
		struct pollfd polls[2] = { { .fd = fd, .events = POLLIN },
					   { .fd = gate_fd, .events = POLLIN } };
		int64_t left = until - clock_ms();
		bool gate_shut = gate_fd >= 0 && poll(&polls[1], 1, 0) == 0;
		ssize_t n;

		if (left <= 0 && !gate_shut)
			break;
		if (poll(polls, left <= 0 ? 2 : 1, left <= 0 ? -1 : (int)left) < 0 &&
		    errno != EINTR)
			break;
		if (!polls[0].revents)
			continue;
		n = read(fd, typed + len, sizeof typed - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		answered = winsize_take_answer(typed, &len, &size.ws_row, &size.ws_col);
	}
	/* What comes in while we put back would overtake: let a burst end first. */
	while (len > 0 && len < sizeof typed) {
		struct pollfd more = { .fd = fd, .events = POLLIN };
		ssize_t n = poll(&more, 1, BURST_MS) > 0 ? read(fd, typed + len, sizeof typed - len)
							 : 0;

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	/* Put back while echo is off: the shell's line editor shows what it reads. An answer that
	 * comes later still is swallowed by BusyBox's line editor, which knows the sequence. */
	for (size_t i = 0; i < len; i++)
		if (ioctl(fd, TIOCSTI, &typed[i]) < 0)
			break;
	tcsetattr(fd, TCSANOW, &before);
	return answered && ioctl(fd, TIOCSWINSZ, &size) == 0;
}
