#include "app/serve.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "app/config_file.h"
#include "app/confine.h"
#include "crypto/packet_cipher.h"
#include "gateway/serve.h"
#include "gateway/telling.h"
#include "keyholder/process.h"
#include "store/store.h"
#include "web/api.h"
#include "web/ca_server.h"
#include "web/server.h"

namespace sekisho::app {
namespace {

/// The admin API with a store connection of its own, used on the server's thread only. Opened before the sandbox is entered,
/// started behind it.
class Admin {
public:
    static Result<std::unique_ptr<Admin>> open(const model::Config& config) {
        auto store = store::open_store(config.store_url, config.data_dir);
        if (!store) return std::unexpected(store.error());
        auto roles = web::Roles::resolve(config.admin);
        if (!roles) return std::unexpected(roles.error());
        auto listening = web::listen_at(config.path(config.admin_socket), *roles);
        if (!listening) return std::unexpected(listening.error());
        std::unique_ptr<Admin> admin(new Admin(config, std::move(*store), std::move(*roles), *listening));
        if (!config.ca_listen.empty()) {
            auto for_targets = web::listen_for_targets(config.ca_listen);
            if (!for_targets) return std::unexpected(for_targets.error());
            admin->m_for_targets.reset(*for_targets);
        }
        return admin;
    }

    Result<void> start(model::LiveGateway& live) {
        m_api = std::make_unique<web::Api>(*m_store, &live, m_config);
        auto server = web::serve(
            m_listening.release(), m_config.path(m_config.admin_socket),
            [api = m_api.get()](
                const web::Request& request) { return api->handle(request, std::chrono::system_clock::now()); },
            m_roles);
        if (!server) return std::unexpected(server.error());
        m_server = std::move(*server);
        if (!m_for_targets.open()) return {};
        auto ca_server =
            web::serve_targets(m_for_targets.release(), [&live] { return live.user_ca().value_or(model::UserCa{}).text(); });
        if (!ca_server) return std::unexpected(ca_server.error());
        m_ca_server = std::move(*ca_server);
        return {};
    }

    void stop() {
        m_ca_server.reset();
        m_server.reset();
    }

private:
    Admin(const model::Config& config, std::unique_ptr<store::Store> store, web::Roles roles, int listening)
        : m_config(config), m_store(std::move(store)), m_roles(std::move(roles)), m_listening(listening) {}

    model::Config m_config;
    std::unique_ptr<store::Store> m_store;
    const web::Roles m_roles;
    keyholder::Descriptor m_listening;
    keyholder::Descriptor m_for_targets;
    std::unique_ptr<web::Api> m_api;
    std::unique_ptr<web::Server> m_server;  // last: stops before what it uses goes
    std::unique_ptr<web::CaServer> m_ca_server;
};

/// Held as long as the process lives: a second gateway on the same data would take the first one's sessions for cut.
Result<void> claim(const std::string& data_dir) {
    const std::string path = data_dir + "/gateway.lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail("cannot open " + path + "; `sekisho init` makes the folder", std::strerror(errno));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return fail("another gateway runs on " + data_dir);
    return {};
}

/// What the sandbox lets the gateway write below, but not make.
Result<void> make_folders(const model::Config& config) {
    const auto& from = config.users_from;
    const std::string change_log = std::filesystem::path(config.path(from.change_log)).parent_path();
    std::vector<std::string> folders = telling_folders(config);
    folders.insert(
        folders.end(), {config.path(config.recording.dir), config.log.monthly_dir, from.url.empty() ? std::string() : change_log});
    for (const std::string& folder : folders) {
        std::error_code error;
        if (!folder.empty()) std::filesystem::create_directories(folder, error);
        if (error) return fail("cannot make the folder " + folder, error.message());
    }
    return {};
}

/// Whoever reads an access key can hand out users, or change evidence; and a password is a password.
Result<void> check_secret_files(const model::Config& config) {
    for (const auto& [key, name] : {std::pair("users_from.access_key_file", &config.users_from.access_key_file),
             std::pair("recording.upload.access_key_file", &config.recording.upload.access_key_file),
             std::pair("mail.password_file", &config.mail.password_file), std::pair("syslog.key_file", &config.syslog.key_file),
             std::pair("webhook.secret_file", &config.webhook.secret_file)}) {
        if (name->empty()) continue;
        const std::string path = config.path(*name);
        struct stat facts{};
        if (::stat(path.c_str(), &facts) != 0) return fail(std::string(key) + ": cannot read " + path, std::strerror(errno));
        if ((facts.st_mode & 077) != 0) return fail(std::string(key) + ": others can read " + path + "; chmod 600 it");
    }
    return {};
}

}  // namespace

int serve(cli::Context& context) {
    const auto config = context.config();
    if (!config) return cli::failed(config.error());
    if (auto chosen = crypto::choose_aes_gcm(config->ssh.aes_gcm); !chosen) return cli::failed(chosen.error());
    // Before this process has anything that a key or its holder should not see.
    keyholder::SpawnerSettings settings;
    settings.links = gateway::link_count(*config);
    settings.readable = [&context, last = std::make_shared<model::Config>(*config)] {
        // A file that is being edited says nothing; what it said before still counts.
        if (auto now = context.config()) *last = std::move(*now);
        return readable_files(*last, context.config_path);
    };
    for (const auto& name : config->ssh.host_keys) settings.keys.host_keys.push_back(config->path(name));
    settings.keys.user_ca = config->user_ca_key_path();
    settings.keys.host_ca = config->host_ca_key_path();
    settings.keys.wrapping_key = config->wrapping_key_path();
    settings.keys.evidence = config->evidence_key_path();
    auto keyholder = keyholder::Process::start(settings);
    if (!keyholder) return cli::failed(keyholder.error());
    if (const auto claimed = claim(config->data_dir); !claimed) return cli::failed(claimed.error());

    auto admin = Admin::open(*config);
    if (!admin) return cli::failed(admin.error());
    if (const auto checked = check_secret_files(*config); !checked) return cli::failed(checked.error());
    if (const auto made = make_folders(*config); !made) return cli::failed(made.error());
    gateway::Telling::forget_unused(*config);
    if (const auto confined = confine_gateway(*config); !confined) return cli::failed(confined.error());

    gateway::ServeHooks hooks;
    hooks.reload_config = [&]() -> Result<model::Config> {
        const auto text = (*keyholder)->read_file(context.config_path, kMostConfigBytes);
        if (!text) return std::unexpected(text.error());
        return parse_config(*text, context.config_path);
    };
    hooks.started = [&](model::LiveGateway& live) { return (*admin)->start(live); };
    hooks.stopping = [&] { (*admin)->stop(); };
    return gateway::run_gateway(*config, **keyholder, std::move(hooks));
}

}  // namespace sekisho::app
