// Stands before the C library's getaddrinfo when preloaded, and answers for names that end in ".test" only:
//   dual.test    ::1, then 127.0.0.1     four.test    127.0.0.1     none.test    EAI_NONAME
//   hang.test    nothing, for 30 s       again.test   EAI_AGAIN
//   later.test   127.0.0.1, until a file of the log's name and ".broken" is there; then nothing, for 30 s
// Each such lookup adds a line with the name to the file named by LOOKUP_LOG. Knows nothing of the gateway.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int (*lookup)(const char*, const char*, const struct addrinfo*, struct addrinfo**);

static lookup next(void) {
  return (lookup)dlsym(RTLD_NEXT, "getaddrinfo");
}

static void note(const char* name) {
  const char* file = getenv("LOOKUP_LOG");
  int fd = file ? open(file, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;
  if (fd < 0) return;
  dprintf(fd, "%s\n", name);
  close(fd);
}

static int broken(void) {
  char name[4096];
  const char* file = getenv("LOOKUP_LOG");
  if (!file) return 0;
  snprintf(name, sizeof name, "%s.broken", file);
  return access(name, F_OK) == 0;
}

static int numeric(const char* address, const char* service, const struct addrinfo* wanted,
                   struct addrinfo** found) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  if (wanted) hints = *wanted;
  hints.ai_flags = AI_NUMERICHOST;
  return next()(address, service, &hints, found);
}

// The C library frees a list node by node, so two of its lists can be joined.
static int both(const char* service, const struct addrinfo* wanted, struct addrinfo** found) {
  struct addrinfo* four = NULL;
  int failed = numeric("127.0.0.1", service, wanted, &four);
  if (failed) return failed;
  if (numeric("::1", service, wanted, found) != 0) {
    *found = four;
    return 0;
  }
  struct addrinfo* last = *found;
  while (last->ai_next) last = last->ai_next;
  last->ai_next = four;
  return 0;
}

int getaddrinfo(const char* name, const char* service, const struct addrinfo* wanted,
                struct addrinfo** found) {
  const char* end = name ? strstr(name, ".test") : NULL;
  if (!end || end[5] != '\0') return next()(name, service, wanted, found);
  note(name);
  if (strcmp(name, "dual.test") == 0) return both(service, wanted, found);
  if (strcmp(name, "four.test") == 0) return numeric("127.0.0.1", service, wanted, found);
  if (strcmp(name, "later.test") == 0 && !broken()) return numeric("127.0.0.1", service, wanted, found);
  if (strcmp(name, "hang.test") == 0 || strcmp(name, "later.test") == 0) sleep(30);
  return strcmp(name, "none.test") == 0 ? EAI_NONAME : EAI_AGAIN;
}
