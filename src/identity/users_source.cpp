#include "identity/users_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "s3/open.h"

namespace sekisho::identity {
namespace {

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

class FolderSource final : public UsersSource {
public:
    explicit FolderSource(std::string path) : m_path(std::move(path)) {
        while (m_path.size() > 1 && m_path.ends_with('/')) m_path.pop_back();
        m_prefix = m_path.substr(m_path.rfind('/') + 1) + "/";
    }

    Result<std::vector<ListedObject>> list() override {
        const std::unique_ptr<DIR, CloseFolder> folder(::opendir(m_path.c_str()));
        if (!folder) return failed("cannot be opened");
        std::vector<ListedObject> objects;
        while (true) {
            errno = 0;
            const dirent* entry = ::readdir(folder.get());
            if (!entry && errno != 0) return failed("cannot be read");
            if (!entry) return objects;
            if (entry->d_name[0] == '.') continue;
            if (m_stopped) return fail("the gateway is going down");
            if (objects.size() == kMostListed)
                return fail(fmt::format("the folder {} has more than {} files", m_path, kMostListed));
            struct stat facts{};
            if (::fstatat(::dirfd(folder.get()), entry->d_name, &facts, 0) != 0) {
                // Gone since, or a link to nowhere: the next listing knows. Anything else is no listing.
                if (errno == ENOENT || errno == ELOOP)
                    facts = {};
                else
                    return failed("cannot be read");
            }
            objects.push_back({m_prefix + entry->d_name, tag(facts), static_cast<std::uint64_t>(facts.st_size)});
        }
    }

    Result<void> read(const std::vector<std::string>& objects, const Take& take) override {
        for (std::size_t i = 0; i < objects.size(); ++i) {
            if (m_stopped) return fail("the gateway is going down");
            take(i, read_one(m_path + "/" + objects[i].substr(m_prefix.size())));
        }
        return {};
    }

    const std::string& prefix() const override { return m_prefix; }
    void stop() override { m_stopped = true; }

private:
    std::unexpected<Error> failed(const char* what) const {
        return fail(fmt::format("the folder {} {}", m_path, what), std::strerror(errno));
    }

    static std::string tag(const struct stat& facts) {
        return fmt::format("{}-{}-{}.{}-{}.{}", facts.st_ino, facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec,
            facts.st_ctim.tv_sec, facts.st_ctim.tv_nsec);
    }

    static Result<std::string> read_one(const std::string& path) {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0) return fail("it cannot be opened", std::strerror(errno));
        struct stat facts{};
        Result<std::string> result = std::string();
        if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) result = fail("it is not a file");
        std::array<char, 16384> block;
        while (result) {
            const ssize_t n = ::read(fd, block.data(), block.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) result = fail("it cannot be read", std::strerror(errno));
            if (n <= 0) break;
            result->append(block.data(), static_cast<std::size_t>(n));
            if (result->size() > kMostKeysBytes) result = fail(fmt::format("it is longer than {} bytes", kMostKeysBytes));
        }
        ::close(fd);
        return result;
    }

    std::string m_path;
    std::string m_prefix;
    std::atomic<bool> m_stopped = false;
};

class BucketSource final : public UsersSource {
public:
    explicit BucketSource(std::unique_ptr<s3::Client> client) : m_client(std::move(client)) {}

    Result<std::vector<ListedObject>> list() override {
        auto listed = m_client->list(kMostListed);
        if (!listed) return std::unexpected(listed.error());
        std::vector<ListedObject> objects;
        for (s3::Object& object : *listed) objects.push_back({std::move(object.key), std::move(object.etag), object.size});
        return objects;
    }

    Result<void> read(const std::vector<std::string>& objects, const Take& take) override {
        return m_client->get(objects, kMostKeysBytes, take);
    }

    const std::string& prefix() const override { return m_client->place().prefix; }
    void stop() override { m_client->stop(); }

private:
    std::unique_ptr<s3::Client> m_client;
};

}  // namespace

std::unique_ptr<UsersSource> make_folder_source(const std::string& path) { return std::make_unique<FolderSource>(path); }

std::unique_ptr<UsersSource> make_bucket_source(std::unique_ptr<s3::Client> client) {
    return std::make_unique<BucketSource>(std::move(client));
}

Result<std::unique_ptr<UsersSource>> make_users_source(const model::Config& config, ReadFile read_file) {
    const model::UsersFromConfig& from = config.users_from;
    constexpr std::string_view kFolder = "dir:";
    if (from.url.empty()) return nullptr;
    if (from.url.starts_with(kFolder)) return make_folder_source(from.url.substr(kFolder.size()));
    const auto absolute = [&](const std::string& name) { return name.empty() ? name : config.path(name); };
    auto client = s3::open_client(
        {from.url, from.region, from.endpoint, absolute(from.access_key_file), absolute(from.ca_file)}, std::move(read_file));
    if (!client) return std::unexpected(client.error());
    return make_bucket_source(std::move(*client));
}

}  // namespace sekisho::identity
