#include "app/confine.h"

#include <unistd.h>

#include <filesystem>

#include "base/log.h"
#include "store/store.h"

namespace sekisho::app {
namespace {

namespace fs = std::filesystem;

// Read whenever they please by name resolution (with its plug-ins), time zones, TLS, and the C and C++ libraries.
constexpr const char* kSystemFiles[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf",
    "/etc/gai.conf", "/etc/services", "/etc/protocols", "/etc/localtime", "/etc/timezone", "/etc/ld.so.cache",
    "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
    "/usr/share/zoneinfo", "/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64", "/usr/local/lib",
    "/run/systemd/resolve", "/run/nscd", "/sys/devices/system/cpu", "/dev/urandom", "/dev/random"};

std::vector<std::string> key_files(const model::Config& config) {
    std::vector<std::string> files{config.user_ca_key_path(), config.host_ca_key_path(), config.wrapping_key_path(),
        config.evidence_key_path()};
    for (const auto& name : config.ssh.host_keys) files.push_back(config.path(name));
    return files;
}

bool covers_a_key(const model::Config& config, const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::weakly_canonical(folder, error);
    for (const auto& file : key_files(config)) {
        const fs::path key = fs::weakly_canonical(file, error);
        const auto [end, ignored] = std::mismatch(real.begin(), real.end(), key.begin(), key.end());
        if (end == real.end()) return true;
    }
    return false;
}

/// Network managers replace /etc/resolv.conf, and a rule for a file does not follow. Where it is a link, the folder of what it
/// points to is readable; where not, all of /etc is, if this is not root, whom nothing else would stop there.
void add_resolver(const model::Config& config, std::vector<std::string>& read) {
    std::error_code error;
    const fs::path resolver = "/etc/resolv.conf";
    if (fs::is_symlink(resolver, error)) {
        const fs::path folder = fs::weakly_canonical(resolver, error).parent_path();
        if (!error && !covers_a_key(config, folder)) read.push_back(folder);
    } else if (::geteuid() != 0 && !covers_a_key(config, "/etc")) {
        read.push_back("/etc");
    }
}

/// Something is told, so it is kept how far.
bool tells(const model::Config& config) {
    return !config.mail.smtp.empty() || !config.syslog.to.empty() || !config.json.to.empty() || !config.webhook.to.empty();
}

}  // namespace

std::vector<std::string> telling_folders(const model::Config& config) {
    std::vector<std::string> folders;
    if (!config.mail.smtp.empty()) folders.push_back(config.path("mail"));
    if (tells(config)) folders.push_back(config.path("telling"));
    for (const std::string& to : config.json.to) {
        if (to.starts_with("file:")) folders.push_back(fs::path(to.substr(5)).parent_path());
    }
    return folders;
}

sandbox::Paths gateway_files(const model::Config& config) {
    sandbox::Paths paths;
    paths.read.assign(std::begin(kSystemFiles), std::end(kSystemFiles));
    add_resolver(config, paths.read);
    if (sandbox::sanitized_build()) paths.read.push_back("/proc");
    for (const auto& key : key_files(config)) paths.read.push_back(key + ".pub");  // the admin API shows them

    paths.write = {config.path(config.recording.dir), "/dev/null"};
    // A file is made before, and kept: one connection to it is open as long as the process lives. One over the network comes and goes.
    const store::StoreFiles store = store::store_files(config.store_url, config.data_dir);
    paths.read.insert(paths.read.end(), store.read.begin(), store.read.end());
    paths.write.insert(paths.write.end(), store.write.begin(), store.write.end());
    if (!config.log.monthly_dir.empty()) paths.write.push_back(config.log.monthly_dir);
    const auto& from = config.users_from;
    if (!from.url.empty()) paths.write.push_back(fs::path(config.path(from.change_log)).parent_path());
    if (from.url.starts_with("dir:")) paths.read.push_back(from.url.substr(4));
    for (std::string& folder : telling_folders(config)) paths.write.push_back(std::move(folder));
    for (const auto& path : paths.write) {
        if (covers_a_key(config, path)) log::warn("sandbox.covers_keys", {{"folder", path}});
    }
    const std::string socket_folder = fs::path(config.path(config.admin_socket)).parent_path();
    if (!covers_a_key(config, socket_folder)) paths.remove.push_back(socket_folder);
    return paths;
}

std::vector<std::string> readable_files(const model::Config& config, const std::string& config_path) {
    std::vector<std::string> files{config_path};
    if (!config.mail.templates.empty()) {
        for (const char* name : {"start", "finish", "refused"}) files.push_back(config.path(config.mail.templates) + "/" + name + ".txt");
    }
    for (const auto* name : {&config.users_from.access_key_file, &config.users_from.ca_file,
             &config.recording.upload.access_key_file, &config.recording.upload.ca_file, &config.mail.password_file,
             &config.mail.ca_file, &config.syslog.ca_file, &config.syslog.certificate_file, &config.syslog.key_file,
             &config.webhook.secret_file, &config.webhook.ca_file}) {
        if (!name->empty()) files.push_back(config.path(*name));
    }
    for (const auto* names : {&config.ssh.revoked_keys, &config.target.revoked_host_keys}) {
        for (const auto& name : *names) files.push_back(config.path(name));
    }
    return files;
}

Result<void> confine_gateway(const model::Config& config) {
    // Landlock would let keys be read, or be written over, that lie below what it is told.
    const auto& from = config.users_from;
    if (from.url.starts_with("dir:") && covers_a_key(config, from.url.substr(4))) {
        return fail("the gateway's own keys are in the folder of users_from.url: choose another one");
    }
    if (!from.url.empty() && covers_a_key(config, fs::path(config.path(from.change_log)).parent_path())) {
        return fail("the gateway's own keys are in the folder of users_from.change_log: choose another one");
    }
    for (const std::string& folder : telling_folders(config)) {
        if (covers_a_key(config, folder))
            return fail("the gateway's own keys are in the folder " + folder + " of json.to: choose another one");
    }
    const auto files = sandbox::restrict_files(gateway_files(config));
    if (!files) return std::unexpected(files.error());
    if (!*files) log::warn("sandbox.no_landlock", {{"reason", "this kernel cannot restrict which files the gateway opens"}});
    return sandbox::restrict_calls(sandbox::Calls::Gateway);
}

}  // namespace sekisho::app
