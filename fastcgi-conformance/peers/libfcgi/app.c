/* The contract, with libfcgi (FCGX) and eight threads, on descriptor 0. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char piece[26 * 1000];

static void head(FCGX_Request *r, int status, const char *fields)
{
	FCGX_FPrintF(r->out, "Status: %d OK\r\nContent-Type: text/plain\r\n%s\r\n", status, fields);
}

static void answer(FCGX_Request *r, int status, const char *fields, const char *body)
{
	const char *method = FCGX_GetParam("REQUEST_METHOD", r->envp);
	head(r, status, fields);
	if ((!method || strcmp(method, "HEAD")) && status != 204 && status != 304)
		FCGX_PutS(body, r->out);
}

static void encode(FCGX_Stream *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (strchr("_-.", c) || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
			FCGX_PutChar(c, out);
		else
			FCGX_FPrintF(out, "%%%02X", c);
	}
}

/* All of the body. */
static char *body(FCGX_Request *r, size_t *length)
{
	size_t room = 1 << 16;
	char *data = malloc(room);
	int n;
	*length = 0;
	while (data && (n = FCGX_GetStr(data + *length, (int)(room - *length), r->in)) > 0) {
		*length += (size_t)n;
		if (*length == room) {
			char *more = realloc(data, room *= 2);
			if (!more)
				free(data);
			data = more;
		}
	}
	return data;
}

static void serve(FCGX_Request *r)
{
	const char *path = FCGX_GetParam("PATH_INFO", r->envp);
	char text[8192];
	if (!path)
		path = "";
	if (!strcmp(path, "/hello")) {
		answer(r, 200, "", "Hello, world!");
	} else if (!strcmp(path, "/echo") || !strcmp(path, "/length")) {
		size_t length;
		char *data = body(r, &length);
		if (!strcmp(path, "/echo")) {
			head(r, 200, "");
			FCGX_PutStr(data, (int)length, r->out);
		} else {
			snprintf(text, sizeof text, "%zu", length);
			answer(r, 200, "", text);
		}
		free(data);
	} else if (!strcmp(path, "/params")) {
		head(r, 200, "");
		for (char **e = r->envp; *e; e++) {
			const char *equals = strchr(*e, '=');
			if (strncmp(*e, "T_", 2) || !equals)
				continue;
			encode(r->out, *e, (size_t)(equals - *e));
			FCGX_PutChar('=', r->out);
			encode(r->out, equals + 1, strlen(equals + 1));
			FCGX_PutChar('\n', r->out);
		}
	} else if (!strncmp(path, "/status/", 8)) {
		int status = atoi(path + 8);
		snprintf(text, sizeof text, "status %d\n", status);
		answer(r, status, status >= 300 && status < 400 && status != 304 ? "Location: /elsewhere\r\n" : "", text);
	} else if (!strcmp(path, "/fields")) {
		char fields[4200] = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Long: ";
		size_t n = strlen(fields);
		memset(fields + n, 'x', 4000);
		strcpy(fields + n + 4000, "\r\n");
		/* FCGX_FPrintF has a limit for one argument. */
		FCGX_PutS("Status: 200 OK\r\nContent-Type: text/plain\r\n", r->out);
		FCGX_PutS(fields, r->out);
		FCGX_PutS("\r\nfields\n", r->out);
	} else if (!strncmp(path, "/bytes/", 7)) {
		long left = atol(path + 7);
		snprintf(text, sizeof text, "Content-Length: %ld\r\n", left);
		head(r, 200, text);
		while (left > 0) {
			int n = left < (long)sizeof piece ? (int)left : (int)sizeof piece;
			if (FCGX_PutStr(piece, n, r->out) < 0)
				break;
			left -= n;
		}
	} else if (!strcmp(path, "/slow")) {
		head(r, 200, "");
		FCGX_PutS("first\n", r->out);
		FCGX_FFlush(r->out);
		usleep(600000);
		FCGX_PutS("last\n", r->out);
	} else if (!strcmp(path, "/duplex")) {
		size_t length;
		head(r, 200, "");
		FCGX_PutS("first\n", r->out);
		FCGX_FFlush(r->out);
		free(body(r, &length));
		FCGX_FPrintF(r->out, "%lu\n", (unsigned long)length);
	} else if (!strcmp(path, "/stderr")) {
		FCGX_PutS("a message\n", r->err);
		answer(r, 200, "", "stderr\n");
		FCGX_SetExitStatus(3, r->out);
	} else if (!strcmp(path, "/wait")) {
		sleep(3);
		answer(r, 200, "", "late");
	} else if (!strcmp(path, "/headers") || !strcmp(path, "/target") || !strncmp(path, "/fail/", 6)) {
		answer(r, 501, "", "the library hands out params and streams");
	} else {
		answer(r, 404, "", "not found\n");
	}
}

static void *work(void *arg)
{
	FCGX_Request r;
	(void)arg;
	FCGX_InitRequest(&r, 0, 0);
	while (FCGX_Accept_r(&r) == 0) {
		/* Otherwise it is that of the last request of this thread. */
		FCGX_SetExitStatus(0, r.out);
		serve(&r);
		FCGX_Finish_r(&r);
	}
	return NULL;
}

int main(void)
{
	for (size_t i = 0; i < sizeof piece; i++)
		piece[i] = (char)('a' + i % 26);
	FCGX_Init();
	for (int i = 1; i < 8; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, work, NULL);
	}
	work(NULL);
	return 0;
}
