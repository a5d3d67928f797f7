// A preload library for the peer: binds to 0.0.0.0 become binds to 127.0.0.1. Its replication listener has no setting
// for the address, and a benchmark must not open ports to the network. After bind it costs nothing.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *addr, socklen_t size) {
	static int (*next)(int, const struct sockaddr *, socklen_t);
	if (!next) next = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "bind");
	struct sockaddr_in in;
	if (addr && addr->sa_family == AF_INET && size >= sizeof in) {
		memcpy(&in, addr, sizeof in);
		if (in.sin_addr.s_addr == htonl(INADDR_ANY)) {
			in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			return next(fd, (struct sockaddr *)&in, sizeof in);
		}
	}
	return next(fd, addr, size);
}
