// Makes what a gateway needs before its first start. Safe to run twice: what is there is kept and named.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/command.h"
#include "keys/private_key.h"
#include "keys/stored_secret.h"
#include "store/store.h"

namespace sekisho::cli {
namespace {

namespace fs = std::filesystem;

struct InitOptions {
    std::string data_dir;
};

void made(std::string_view what) { print_line(fmt::format("{}  {}", styled(Style::Green, "made "), what)); }
void found(std::string_view what) { print_line(fmt::format("{}  {}", styled(Style::Dim, "there"), what)); }

Result<void> write_new_file(const std::string& path, std::string_view text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0) return fail("cannot write " + path, std::strerror(errno));
    bool written = true;
    while (written && !text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        written = count > 0;
        if (written) text.remove_prefix(static_cast<std::size_t>(count));
    }
    written = written && ::fsync(fd) == 0;
    ::close(fd);
    if (!written) {
        ::unlink(path.c_str());
        return fail("cannot write " + path, std::strerror(errno));
    }
    return {};
}

/// The configuration that is there, or a new one.
Result<model::Config> configuration(const Context& context, const InitOptions& options) {
    const std::string data_dir = options.data_dir.empty() ? "" : fs::absolute(options.data_dir).lexically_normal().string();
    if (::access(context.config_path.c_str(), F_OK) == 0) {
        auto config = context.config();
        if (!config) return config;
        if (!data_dir.empty() && fs::path(data_dir) / "" != fs::path(config->data_dir).lexically_normal() / "") {
            return fail(
                fmt::format("{} is there and says data_dir = \"{}\"; change it there, or name another file with --config",
                    context.config_path, config->data_dir));
        }
        found("configuration " + context.config_path);
        return config;
    }
    std::vector<std::pair<std::string, std::string>> values;
    if (!data_dir.empty()) values.emplace_back("data_dir", data_dir);
    if (::geteuid() != 0) values.emplace_back("admin.socket", "admin.sock");  // /run belongs to root
    std::error_code error;
    fs::create_directories(fs::absolute(context.config_path).parent_path(), error);
    if (auto written = write_new_file(context.config_path, context.sample_config(values)); !written) {
        return fail(written.error().text + "; name another file with --config", written.error().detail);
    }
    made("configuration " + context.config_path);
    return context.config();
}

/// A folder for nobody else. One that was there and has something in it is not changed behind its owner's back.
Result<void> private_folder(const std::string& path) {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);
    if (::mkdir(path.c_str(), 0700) == 0) {
        made("folder " + path);
        return {};
    }
    if (errno != EEXIST) return fail("cannot make " + path, std::strerror(errno));
    struct stat facts{};
    if (::stat(path.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode)) return fail(path + " is there and is not a folder");
    if ((facts.st_mode & 077) != 0 && (!fs::is_empty(path, error) || ::chmod(path.c_str(), 0700) != 0)) {
        return fail(fmt::format("{} is open to others; run: chmod 700 {}", path, path));
    }
    found("folder " + path);
    return {};
}

keys::KeyKind kind_by_name(const std::string& path) {
    const std::string name = fs::path(path).filename().string();
    if (name.find("rsa") != std::string::npos) return keys::KeyKind::Rsa;
    return name.find("ecdsa") != std::string::npos ? keys::KeyKind::EcdsaP256 : keys::KeyKind::Ed25519;
}

Result<void> key_pair(const std::string& path, const std::string& comment) {
    if (::access(path.c_str(), F_OK) == 0) {
        const auto key = keys::load_private_key(path);
        if (!key) return std::unexpected(key.error());
        found(fmt::format("{} {} {}", comment, path, key->public_key().fingerprint()));
        return {};
    }
    const keys::PrivateKey key = keys::PrivateKey::generate(kind_by_name(path));
    if (auto saved = keys::save_private_key(path, key, comment); !saved) return saved;
    made(fmt::format("{} {} {}", comment, path, key.public_key().fingerprint()));
    return {};
}

Result<void> wrapping_key(const std::string& path) {
    if (::access(path.c_str(), F_OK) == 0) {
        if (const auto key = keys::WrappingKey::load(path); !key) return std::unexpected(key.error());
        found("wrapping key of stored credentials " + path);
        return {};
    }
    if (auto saved = keys::WrappingKey::generate().save(path); !saved) return saved;
    made("wrapping key of stored credentials " + path);
    return {};
}

Result<void> make_everything(const model::Config& config) {
    std::vector<std::string> folders{config.data_dir, config.path("keys"), config.path(config.recording.dir)};
    for (const std::string& folder : folders) {
        if (auto done = private_folder(folder); !done) return done;
    }
    for (const std::string& name : config.ssh.host_keys) {
        if (auto done = key_pair(config.path(name), "sekisho host key"); !done) return done;
    }
    if (auto done = key_pair(config.user_ca_key_path(), "sekisho user CA"); !done) return done;
    if (auto done = key_pair(config.host_ca_key_path(), "sekisho host CA"); !done) return done;
    if (auto done = key_pair(config.evidence_key_path(), "sekisho evidence"); !done) return done;
    if (auto done = wrapping_key(config.wrapping_key_path()); !done) return done;
    const std::string place = store::store_place(config.store_url, config.data_dir);
    const bool was_there = !place.starts_with('/') || ::access(place.c_str(), F_OK) == 0;
    auto store = store::open_store(config.store_url, config.data_dir);
    if (!store) return std::unexpected(store.error());
    (was_there ? found : made)("store " + place);
    return {};
}

int init(const Context& context, const InitOptions& options) {
    const auto config = configuration(context, options);
    if (!config) return failed(config.error());
    if (auto done = make_everything(*config); !done) return failed(done.error());
    print_line("\nNext:");
    print_line("  sekisho apply access.toml    who may do what");
    print_line("  sekisho ca show              the line that targets trust");
    print_line("  sekisho serve                the gateway, on " + fmt::format("{}", fmt::join(config->ssh.listen, ", ")));
    return kDone;
}

}  // namespace

void add_init_command(CLI::App& app, Context& context) {
    CLI::App* command =
        app.add_subcommand("init", "Makes host key, CAs, store and, where missing, a configuration; safe to run twice");
    auto options = std::make_shared<InitOptions>();
    command->add_option(
        "--data-dir", options->data_dir, "Folder of keys, store and recordings, for a configuration that is not there yet");
    command->footer(examples({"sekisho init", "sekisho init --config ./sekisho.toml --data-dir ./data"}));
    command->callback([&context, options] { context.run = [&context, options] { return init(context, *options); }; });
}

}  // namespace sekisho::cli
