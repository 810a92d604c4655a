// CaServer: plain HTTP for targets that fetch the CA's public keys: GET (or HEAD) /ca.pub, and nothing else (ca.listen, off by
// default). What it gives is public, and whoever connects is a stranger: few connections, little patience, no body, no store. One
// thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace sekisho::web {

class CaServer {
public:
    /// The lines for TrustedUserCAKeys. Called on the server's thread.
    using Text = std::function<std::string()>;

    virtual ~CaServer() = default;  // stops and joins
};

/// A listening socket at "address:port"; in a step of its own, because the sandbox comes between it and serving.
Result<int> listen_for_targets(const std::string& address);
/// Takes the socket over.
Result<std::unique_ptr<CaServer>> serve_targets(int listening, CaServer::Text text);

}  // namespace sekisho::web
