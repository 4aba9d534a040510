/* The application of the benchmark with libfcgi: FCGX_Accept_r in four threads, on descriptor 0.
 *
 * bench/count compiles it, once more with HEAP for the allocations: linked statically, with malloc and its kin wrapped. */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4

/* How often memory was taken, the sum of what was taken, and, which nobody asks for, what is held. */
static _Atomic uint64_t figures[3];

#ifdef HEAP
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);

static void taken(size_t size)
{
	figures[0]++;
	figures[1] += size;
}

void *__wrap_malloc(size_t size)
{
	taken(size);
	return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	taken(count * size);
	return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	taken(size);
	return __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
	taken(strlen(text) + 1);
	return __real_strdup(text);
}
#endif

static void answer(FCGX_Request *r)
{
	const char *uri = FCGX_GetParam("REQUEST_URI", r->envp);
	char buffer[8192], text[32];
	size_t length = 0;
	int count;

	if (uri && !strcmp(uri, "/hello")) {
		FCGX_PutS("Status: 200 OK\r\nContent-Length: 13\r\n\r\nHello, world!", r->out);
		return;
	}
	while ((count = FCGX_GetStr(buffer, sizeof buffer, r->in)) > 0)
		length += (size_t)count;
	count = snprintf(text, sizeof text, "%zu", length);
	FCGX_FPrintF(r->out, "Status: 200 OK\r\nContent-Length: %d\r\n\r\n%s", count, text);
}

static void *work(void *unused)
{
	FCGX_Request request;

	if (FCGX_InitRequest(&request, 0, 0))
		exit(1);
	while (FCGX_Accept_r(&request) >= 0) {
		answer(&request);
		FCGX_Finish_r(&request);
	}
	return unused;
}

/* callgrind begins to count anew where this is called. */
__attribute__((noinline)) void fastcgi_bench_figures(uint64_t copy[3])
{
	for (int i = 0; i < 3; i++)
		copy[i] = figures[i];
}

/* Each byte on descriptor 1 asks for the figures; the end of it ends the process. */
int main(void)
{
	char order;

	if (FCGX_Init())
		return 1;
	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, work, NULL))
			return 1;
	}
	while (read(1, &order, 1) == 1) {
		uint64_t copy[3];
		fastcgi_bench_figures(copy);
		if (write(1, copy, sizeof copy) != sizeof copy)
			break;
	}
	exit(0);
}
