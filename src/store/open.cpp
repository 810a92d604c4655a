// From a URL to a store: which database, where, and as which gateway.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "crypto/random.h"
#include "store/sql_store.h"
#include "store/store.h"

namespace sekisho::store {
namespace {

constexpr std::string_view kSqliteScheme = "sqlite:";
constexpr std::size_t kIdSize = 16;

std::string sqlite_file(const std::string& url, const std::string& data_dir) {
    const std::string file = url.substr(kSqliteScheme.size());
    return file.starts_with('/') ? file : data_dir + "/" + file;
}

std::string id_file(const std::string& data_dir) { return data_dir + "/gateway.id"; }

Result<std::string> read_id(const std::string& path) {
    std::array<char, kIdSize> id{};
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail("cannot read " + path, std::strerror(errno));
    const ssize_t size = ::read(fd, id.data(), id.size());
    ::close(fd);
    const bool sound = size == static_cast<ssize_t>(id.size()) &&
                       std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    if (!sound) return fail(path + " does not begin with 16 hexadecimal digits; remove it, and a new one is made");
    return std::string(id.begin(), id.end());
}

/// Tells the gateways that share a database apart. Made once, by whichever account comes first; belongs to the data folder, as the
/// recordings of its sessions do.
Result<std::string> gateway_id(const std::string& data_dir) {
    const std::string path = id_file(data_dir);
    if (::access(path.c_str(), F_OK) == 0) return read_id(path);
    std::array<std::byte, kIdSize / 2> random{};
    crypto::system_random().fill(random);
    const std::string id = base::hex(random);
    // Written beside and linked into place: another process may do the same at this moment, and one of the two wins.
    const std::string fresh = fmt::format("{}.{}", path, id);
    const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return fail("cannot make " + path + "; `sekisho init` makes the folder", std::strerror(errno));
    const std::string text = id + "\n";
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    ::close(fd);
    const bool linked = written && (::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST);
    const int error = errno;
    ::unlink(fresh.c_str());
    if (!linked) return fail("cannot make " + path, std::strerror(error));
    return read_id(path);
}

}  // namespace

std::string wrong_store_url(const std::string& url) {
    if (is_postgresql_url(url)) {
        const auto parsed = PostgreSqlUrl::parse(url);
        return parsed ? std::string() : parsed.error().text;
    }
    if (url.starts_with(kSqliteScheme) && url.size() > kSqliteScheme.size() && url.find('\0') == std::string::npos)
        return {};
    return "sqlite:FILE or postgresql://USER@HOST/DATABASE is wanted";
}

bool has_password(const std::string& url) {
    const auto parsed = PostgreSqlUrl::parse(url);
    return parsed && parsed->has_password();
}

std::string store_place(const std::string& url, const std::string& data_dir) {
    if (!is_postgresql_url(url)) return sqlite_file(url, data_dir);
    const auto parsed = PostgreSqlUrl::parse(url);
    return parsed ? parsed->name() : "PostgreSQL";
}

StoreFiles store_files(const std::string& url, const std::string& data_dir) {
    StoreFiles files;
    if (const auto parsed = PostgreSqlUrl::parse(url)) {
        files.read = parsed->files();
        files.read.push_back(id_file(data_dir));
        return files;
    }
    for (const char* ending : {"", "-wal", "-shm"}) files.write.push_back(sqlite_file(url, data_dir) + ending);
    return files;
}

Result<std::unique_ptr<Store>> open_store(const std::string& url, const std::string& data_dir) {
    if (url == ":memory:") return make_sql_store(sqlite_backend(url), {});
    if (const std::string wrong = wrong_store_url(url); !wrong.empty()) return fail("store.url: " + wrong);
    if (!is_postgresql_url(url)) return make_sql_store(sqlite_backend(sqlite_file(url, data_dir)), {});
    auto parsed = PostgreSqlUrl::parse(url);
    if (!parsed) return fail("store.url: " + parsed.error().text);
    auto id = gateway_id(data_dir);
    if (!id) return std::unexpected(id.error());
    return make_sql_store(postgresql_backend(std::move(*parsed)), std::move(*id));
}

}  // namespace sekisho::store
