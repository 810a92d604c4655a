#include "app/serve.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>

#include "gateway/serve.h"
#include "store/store.h"
#include "web/api.h"
#include "web/server.h"

namespace sekisho::app {
namespace {

/// The admin API with a store connection of its own, used on the server's thread only.
class Admin {
public:
    static Result<std::unique_ptr<Admin>> start(const model::Config& config, model::LiveGateway& live) {
        auto store = store::open_store(config.store_url, config.data_dir);
        if (!store) return std::unexpected(store.error());
        auto admin = std::make_unique<Admin>(config, std::move(*store), live);
        auto server = web::serve(config.path(config.admin_socket), [api = &admin->m_api](const web::Request& request) {
            return api->handle(request, std::chrono::system_clock::now());
        });
        if (!server) return std::unexpected(server.error());
        admin->m_server = std::move(*server);
        return admin;
    }

    Admin(const model::Config& config, std::unique_ptr<store::Store> store, model::LiveGateway& live)
        : m_config(config), m_store(std::move(store)), m_api(*m_store, &live, m_config) {}

private:
    model::Config m_config;
    std::unique_ptr<store::Store> m_store;
    web::Api m_api;
    std::unique_ptr<web::Server> m_server;  // last: stops before what it uses goes
};

/// Held as long as the process lives: a second gateway on the same data would take the first one's sessions for cut.
Result<void> claim(const std::string& data_dir) {
    const std::string path = data_dir + "/gateway.lock";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail("cannot open " + path + "; `sekisho init` makes the folder", std::strerror(errno));
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return fail("another gateway runs on " + data_dir);
    return {};
}

}  // namespace

int serve(cli::Context& context) {
    const auto config = context.config();
    if (!config) return cli::failed(config.error());
    if (const auto claimed = claim(config->data_dir); !claimed) return cli::failed(claimed.error());
    std::unique_ptr<Admin> admin;
    gateway::ServeHooks hooks;
    hooks.reload_config = [&context] { return context.config(); };
    hooks.started = [&](model::LiveGateway& live) -> Result<void> {
        auto started = Admin::start(*config, live);
        if (!started) return std::unexpected(started.error());
        admin = std::move(*started);
        return {};
    };
    hooks.stopping = [&] { admin.reset(); };
    return gateway::run_gateway(*config, std::move(hooks));
}

}  // namespace sekisho::app
