/*
 * jail.c: limits (setrlimit(2)), no new privileges, and a list of system calls
 * (seccomp(2)). The list is short enough to be written as it is; a library for
 * it would be one more thing inside the jail.
 */
#include "recognizer/jail.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "recognition/recognizer_wire.h"

#include "base/banned.h"

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#error "jail.c: name this machine's AUDIT_ARCH_"
#endif

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, then, otherwise) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (then), (otherwise))
#define END(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define ALLOW(name) IS(__NR_##name, 0, 1), END(SECCOMP_RET_ALLOW)

/* Of memory that can be run nothing is given out, and no file is mapped: the
 * arguments' lower halves are what counts (int prot, int flags). */
static const struct sock_filter filter[] = {
	LOAD(arch),
	IS(MACHINE, 1, 0),
	END(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	ALLOW(brk),
	ALLOW(munmap),
	ALLOW(mremap),
	ALLOW(madvise),
	ALLOW(futex),
	ALLOW(pwrite64),
	ALLOW(sendto),
	ALLOW(rt_sigreturn),
	ALLOW(clock_gettime),
	ALLOW(exit_group),
	IS(__NR_mmap, 2, 0),
	IS(__NR_mprotect, 4, 0),
	END(SECCOMP_RET_KILL_PROCESS),
	LOAD(args[3]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 1, 0),
	END(SECCOMP_RET_KILL_PROCESS),
	LOAD(args[2]),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
	END(SECCOMP_RET_KILL_PROCESS),
	END(SECCOMP_RET_ALLOW),
};

static bool limit(int what, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = { .rlim_cur = soft, .rlim_max = hard };

	return setrlimit((unsigned)what, &limit) == 0;
}

static bool set_limits(void)
{
	return (JAIL_IS_OPEN ||
		limit(RLIMIT_AS, JAIL_MEMORY_BYTES, JAIL_MEMORY_BYTES)) &&
	       limit(RLIMIT_CPU, JAIL_CPU_S, JAIL_CPU_S + 1) &&
	       limit(RLIMIT_FSIZE, RECOGNIZER_MAX_PHOTO_BYTES,
		     RECOGNIZER_MAX_PHOTO_BYTES) &&
	       limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_NOFILE, 0, 0);
}

static bool set_filter(void)
{
	struct sock_fprog program = {
		.len = ARRAY_LEN(filter),
		.filter = (struct sock_filter *)(uintptr_t)filter,
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       (JAIL_IS_OPEN || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
				   &program) == 0);
}

bool jail_enter(struct error *err)
{
	return (set_limits() && set_filter()) ||
	       error_cause(err, ERROR_INTERNAL, "the jail cannot be closed: %s",
			   strerror(errno));
}
