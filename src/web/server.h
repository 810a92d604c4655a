// Serves the admin API by HTTP on its Unix socket. Who asks is the kernel's word (SO_PEERCRED), and what they may do their role's
// (web/grants.h): where only root and this process's account have one, the socket has mode 0600, else 0666. One thread of its own; every
// request runs there, so the Api's store belongs to it alone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "web/api.h"
#include "web/grants.h"

namespace sekisho::web {

class Server {
public:
    using Handler = std::function<Response(const Request&)>;

    virtual ~Server() = default;  // stops, joins and removes the socket
};

/// Listens at `path` (its folder is made where missing); a socket that nobody listens on any more is replaced.
Result<std::unique_ptr<Server>> serve(const std::string& path, Server::Handler handler, const Roles& roles = {});

/// The same in two steps, for a process that may not touch the file system any more when it begins to serve: the listening socket,
/// which `serve` takes over.
Result<int> listen_at(const std::string& path, const Roles& roles = {});
Result<std::unique_ptr<Server>> serve(
    int listening, const std::string& path, Server::Handler handler, const Roles& roles = {});

}  // namespace sekisho::web
