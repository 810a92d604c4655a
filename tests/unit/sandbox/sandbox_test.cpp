// Each sandbox is entered in a child of its own, which then tries what it must not be able to do.
#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

namespace sekisho::sandbox {
namespace {

/// 0 when `work` returned true in a child.
int in_a_child(const std::function<bool()>& work) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(work() ? 0 : 1);
    int status = -1;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

bool opens(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
    return fd >= 0;
}

bool denied(long result) { return result == -1 && (errno == EPERM || errno == EACCES); }

class SandboxTest : public testing::Test {
protected:
    SandboxTest() {
        std::string name = (std::filesystem::temp_directory_path() / "sekisho-sandbox-XXXXXX").string();
        m_folder = ::mkdtemp(name.data());
        for (const char* sub : {"read", "write", "other"}) {
            std::filesystem::create_directory(m_folder + "/" + sub);
            std::ofstream(m_folder + "/" + sub + "/file") << "x";
        }
    }
    ~SandboxTest() override { std::filesystem::remove_all(m_folder); }

    std::string m_folder;
};

TEST_F(SandboxTest, OnlyWhatIsListedCanBeOpened) {
    const Paths paths{.read = {m_folder + "/read", m_folder + "/missing"}, .write = {m_folder + "/write"}};
    const int status = in_a_child([&] {
        const auto restricted = restrict_files(paths);
        if (restricted && !*restricted) return true;  // a kernel without Landlock
        return restricted && opens(m_folder + "/read/file", O_RDONLY) && !opens(m_folder + "/read/file", O_RDWR) &&
               opens(m_folder + "/write/file", O_RDWR | O_TRUNC) && opens(m_folder + "/write/new", O_RDWR | O_CREAT) &&
               ::rename((m_folder + "/write/new").c_str(), (m_folder + "/write/newer").c_str()) == 0 &&
               ::unlink((m_folder + "/write/newer").c_str()) == 0 && !opens(m_folder + "/other/file", O_RDONLY) &&
               !opens(m_folder + "/other/new", O_RDWR | O_CREAT) && denied(::unlink((m_folder + "/other/file").c_str())) &&
               denied(::execl("/bin/true", "true", nullptr)) && !opens("/etc/passwd", O_RDONLY);
    });
    EXPECT_EQ(status, 0);
}

TEST_F(SandboxTest, AFolderOfRemovalsIsNoMoreThanThat) {
    const int status = in_a_child([&] {
        const auto restricted = restrict_files({.remove = {m_folder + "/other"}});
        if (restricted && !*restricted) return true;
        return restricted && !opens(m_folder + "/other/file", O_RDONLY) && ::unlink((m_folder + "/other/file").c_str()) == 0;
    });
    EXPECT_EQ(status, 0);
}

TEST(SandboxMemory, IsLockedAsFarAsTheLimitPermits) {
    if (sanitized_build()) GTEST_SKIP() << "the shadow memory of a sanitizer is larger than any machine";
    const auto locked_kib = [] {
        std::ifstream status("/proc/self/status");
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("VmLck:")) return std::stol(line.substr(6));
        }
        return -1L;
    };
    const int status = in_a_child([&] {
        // Not root any more, as a service is: then the limit counts.
        const rlimit limit{6 << 20, 6 << 20};
        if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || (::getuid() == 0 && ::setuid(65534) != 0)) return false;
        return lock_memory() && locked_kib() > 0;
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(in_a_child([&] {
        const rlimit none{0, 0};
        if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (::getuid() == 0 && ::setuid(65534) != 0)) return false;
        return !lock_memory();
    }),
        0);
}

TEST(SandboxCalls, TheGatewayHasSocketsThreadsAndNothingElse) {
    const int status = in_a_child([] {
        if (!restrict_calls(Calls::Gateway)) return false;
        bool ran = false;
        std::thread([&] { ran = true; }).join();
        const bool forbidden = denied(::unshare(CLONE_NEWUSER)) && denied(::mount("none", "/tmp", "tmpfs", 0, nullptr)) &&
                               denied(::socket(AF_PACKET, SOCK_RAW, 0)) && denied(::socket(AF_VSOCK, SOCK_STREAM, 0)) &&
                               denied(::syscall(SYS_io_uring_setup, 1, nullptr)) &&
                               denied(::syscall(SYS_bpf, 0, nullptr, 0)) && denied(::syscall(SYS_keyctl, 0, 0, 0, 0, 0)) &&
                               denied(::setuid(0));
        const bool processes = sanitized_build() || (denied(::fork()) && denied(::execl("/bin/true", "true", nullptr)) &&
                                                        denied(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)));
        const bool sockets = ::socket(AF_INET, SOCK_STREAM, 0) >= 0 && ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0 &&
                             ::socket(AF_NETLINK, SOCK_RAW, 0) >= 0;
        return ran && forbidden && processes && sockets;
    });
    EXPECT_EQ(status, 0);
}

TEST(SandboxCalls, TheSpawnerHasChildrenAndNoNetwork) {
    const int status = in_a_child([] {
        if (!restrict_calls(Calls::Spawner)) return false;
        return in_a_child([] { return true; }) == 0 && denied(::socket(AF_INET, SOCK_STREAM, 0)) &&
               denied(::socket(AF_UNIX, SOCK_STREAM, 0)) && denied(::unshare(CLONE_NEWNS));
    });
    EXPECT_EQ(status, 0);
}

TEST(SandboxCalls, TheKeyholderHasWhatItHas) {
    if (sanitized_build()) GTEST_SKIP() << "the runtime of a sanitizer needs more";
    const int status = in_a_child([] {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || !restrict_calls(Calls::Keyholder)) return false;
        char byte = 'x';
        return ::send(ends[0], &byte, 1, 0) == 1 && ::recv(ends[1], &byte, 1, 0) == 1 && !opens("/etc/passwd", O_RDONLY) &&
               denied(::socket(AF_UNIX, SOCK_STREAM, 0)) && denied(::fork()) && denied(::kill(::getpid(), 0)) &&
               denied(::execl("/bin/true", "true", nullptr)) && !std::string(200'000, 'x').empty();
    });
    EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sekisho::sandbox
