// seccomp filters (docs/adr/0006-keyholder.md says why two forbid and one permits). Calls without conditions stand in the kernel's
// bitmap and cost nothing; the few with conditions are made seldom.
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>

#include "sandbox/sandbox.h"

namespace sekisho::sandbox {
namespace {

/// Other programs and processes, mounts, modules, name spaces, the kernel's own state, and ways around a filter (io_uring).
constexpr std::initializer_list<const char*> kForbidden{"execve", "execveat", "ptrace", "process_vm_readv",
    "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
    "io_uring_enter", "io_uring_register", "kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module",
    "create_module", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount",
    "fspick", "mount_setattr", "swapon", "swapoff", "quotactl", "quotactl_fd", "acct", "setns", "unshare",
    "open_by_handle_at", "name_to_handle_at", "keyctl", "add_key", "request_key", "personality", "reboot", "syslog", "iopl",
    "ioperm", "modify_ldt", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
    "vhangup", "nfsservctl", "lookup_dcookie", "uselib", "ustat", "sysfs", "_sysctl", "setuid", "setgid", "setreuid",
    "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups", "capset", "mknod", "mknodat", "fanotify_init",
    "migrate_pages", "move_pages", "mbind", "set_mempolicy", "memfd_secret", "chown", "lchown"};

/// The runtime of a sanitizer looks at the process from a child that traces it.
constexpr std::initializer_list<const char*> kForSanitizers{"ptrace", "execve", "process_vm_readv", "personality"};

constexpr std::initializer_list<const char*> kForKeys{"read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg",
    "sendmsg", "shutdown", "close", "poll", "ppoll", "futex", "futex_waitv", "mmap", "munmap", "mremap", "madvise",
    "mprotect", "brk", "mlock", "mlock2", "exit", "exit_group", "rt_sigreturn", "rt_sigaction", "rt_sigprocmask",
    "sigaltstack", "restart_syscall", "clock_gettime", "clock_nanosleep", "nanosleep", "gettimeofday", "time", "getrandom",
    "getpid", "gettid", "tgkill", "sched_yield", "sched_getaffinity", "set_robust_list", "rseq", "membarrier", "fstat",
    "newfstatat"};

/// For the one folder that Landlock leaves: where the user CA's next key is made.
constexpr std::initializer_list<const char*> kForKeyFiles{"open", "openat", "link", "linkat", "rename", "renameat",
    "renameat2", "unlink", "unlinkat", "access", "faccessat", "faccessat2", "fsync", "fchmod", "lseek", "fcntl"};

bool in(std::initializer_list<const char*> names, const char* name) {
    for (const char* one : names) {
        if (std::strcmp(one, name) == 0) return true;
    }
    return false;
}

struct Release {
    void operator()(void* context) const { seccomp_release(context); }
};

class Filter {
public:
    explicit Filter(std::uint32_t otherwise) : m_context(seccomp_init(otherwise)) {}

    void rule(std::uint32_t action, const char* name) {
        const int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR || !m_context) return;  // not a call of this machine
        note(seccomp_rule_add_array(m_context.get(), action, number, 0, nullptr));
    }
    void rule(std::uint32_t action, int number, scmp_arg_cmp condition) {
        if (m_context) note(seccomp_rule_add_array(m_context.get(), action, number, 1, &condition));
    }

    Result<void> load() {
        if (!m_context) return fail("the filter of system calls cannot be made");
        note(seccomp_attr_set(m_context.get(), SCMP_FLTATR_CTL_TSYNC, 1));
        (void)seccomp_attr_set(m_context.get(), SCMP_FLTATR_CTL_SSB, 1);  // no slower code for what it does not protect
        if (m_error == 0) m_error = seccomp_load(m_context.get());
        if (m_error != 0) return fail("the filter of system calls cannot be entered", std::strerror(-m_error));
        return {};
    }

private:
    void note(int result) {
        if (result != 0 && m_error == 0) m_error = result;
    }

    std::unique_ptr<void, Release> m_context;
    int m_error = 0;
};

Result<void> permit_only(bool key_files) {
    Filter filter(SCMP_ACT_ERRNO(EPERM));
    for (const char* name : kForKeys) filter.rule(SCMP_ACT_ALLOW, name);
    for (const char* name : kForKeyFiles) {
        if (key_files) filter.rule(SCMP_ACT_ALLOW, name);
    }
    return filter.load();
}

Result<void> forbid(bool sockets, bool children) {
    constexpr std::uint32_t kNo = SCMP_ACT_ERRNO(EPERM);
    Filter filter(SCMP_ACT_ALLOW);
    for (const char* name : kForbidden) {
        if (!sanitized_build() || !in(kForSanitizers, name)) filter.rule(kNo, name);
    }
    // clone3 keeps its flags in memory, where no filter sees them: the C library takes clone instead.
    filter.rule(SCMP_ACT_ERRNO(ENOSYS), "clone3");
    for (const int space :
        {CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP}) {
        filter.rule(
            kNo, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, static_cast<unsigned>(space), static_cast<unsigned>(space)));
    }
    if (!children && !sanitized_build()) {
        filter.rule(kNo, "fork");
        filter.rule(kNo, "vfork");
        filter.rule(kNo, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    }
    if (!sockets) {
        for (const char* name : {"socket", "connect", "bind", "listen", "accept", "accept4"}) filter.rule(kNo, name);
    } else {
        // Internet, Unix and the questions about interfaces that name resolution asks: families 1, 2, 10 and 16.
        const int call = SCMP_SYS(socket);
        filter.rule(kNo, call, SCMP_A0_32(SCMP_CMP_LT, AF_UNIX));
        filter.rule(kNo, call, SCMP_A0_32(SCMP_CMP_GT, AF_NETLINK));
        for (unsigned family = AF_INET + 1; family < AF_NETLINK; ++family) {
            if (family != AF_INET6) filter.rule(kNo, call, SCMP_A0_32(SCMP_CMP_EQ, family));
        }
    }
    return filter.load();
}

}  // namespace

Result<void> restrict_calls(Calls calls) {
    const bool keyholder = calls == Calls::Keyholder || calls == Calls::KeyholderWithFolder;
    if (keyholder && !sanitized_build()) return permit_only(calls == Calls::KeyholderWithFolder);
    return forbid(calls == Calls::Gateway, calls == Calls::Spawner);
}

}  // namespace sekisho::sandbox
