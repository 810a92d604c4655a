// Landlock by its system calls: Debian 12 has the header and no library. The header may be older than the kernel, so the rights
// that came later are named here.
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "sandbox/sandbox.h"

namespace sekisho::sandbox {
namespace {

constexpr std::uint64_t kFsRefer = 1ULL << 13;  // ABI 2
constexpr std::uint64_t kFsTruncate = 1ULL << 14;  // ABI 3
constexpr std::uint64_t kFsIoctlDev = 1ULL << 15;  // ABI 5
constexpr std::uint64_t kScopeSignal = 1ULL << 1;  // ABI 6

constexpr std::uint64_t kFirstAbi = (1ULL << 13) - 1;
constexpr std::uint64_t kOnFiles =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | kFsTruncate | kFsIoctlDev;
constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite = kRead | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                 LANDLOCK_ACCESS_FS_MAKE_SOCK | kFsRefer | kFsTruncate;

/// struct landlock_ruleset_attr as it is today; the kernel takes as much of it as it is told.
struct RulesetAttributes {
    std::uint64_t files = 0;
    std::uint64_t network = 0;
    std::uint64_t scoped = 0;
};

std::unexpected<Error> system_failure(const std::string& what) { return fail(what, std::strerror(errno)); }

class Ruleset {
public:
    explicit Ruleset(long abi) {
        m_handled = kFirstAbi;
        if (abi >= 2) m_handled |= kFsRefer;
        if (abi >= 3) m_handled |= kFsTruncate;
        if (abi >= 5) m_handled |= kFsIoctlDev;
        RulesetAttributes attributes;
        attributes.files = m_handled;
        if (abi >= 6) attributes.scoped = kScopeSignal;
        const std::size_t size = abi >= 6 ? sizeof attributes : abi >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
        m_fd = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0U));
    }
    ~Ruleset() {
        if (m_fd >= 0) ::close(m_fd);
    }
    Ruleset(const Ruleset&) = delete;
    Ruleset& operator=(const Ruleset&) = delete;

    bool made() const { return m_fd >= 0; }

    Result<void> allow(const std::string& path, std::uint64_t rights) {
        const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
        if (fd < 0) return {};
        struct stat facts{};
        const bool folder = ::fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode);
        landlock_path_beneath_attr rule{};
        rule.allowed_access = rights & m_handled & (folder ? ~0ULL : kOnFiles);
        rule.parent_fd = fd;
        const long added = ::syscall(SYS_landlock_add_rule, m_fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U);
        const int error = errno;
        ::close(fd);
        errno = error;
        if (added != 0) return system_failure("the sandbox cannot allow " + path);
        return {};
    }

    Result<void> enter() {
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_failure("the sandbox cannot be prepared");
        if (::syscall(SYS_landlock_restrict_self, m_fd, 0U) != 0) return system_failure("the sandbox cannot be entered");
        return {};
    }

private:
    std::uint64_t m_handled = 0;
    int m_fd = -1;
};

}  // namespace

Result<bool> restrict_files(const Paths& paths) {
    const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi <= 0) return false;
    Ruleset rules(abi);
    if (!rules.made()) return system_failure("the sandbox cannot be made");
    for (const auto& [list, rights] : std::array{std::pair(&paths.read, kRead), std::pair(&paths.write, kWrite),
             std::pair(&paths.remove, std::uint64_t{LANDLOCK_ACCESS_FS_REMOVE_FILE})}) {
        for (const std::string& path : *list) {
            if (auto allowed = rules.allow(path, rights); !allowed) return std::unexpected(allowed.error());
        }
    }
    if (auto entered = rules.enter(); !entered) return std::unexpected(entered.error());
    return true;
}

}  // namespace sekisho::sandbox
