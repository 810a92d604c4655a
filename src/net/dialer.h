// Dialer: resolves a name on a worker and connects, trying each address in the system's order (RFC 6724) until one answers
// or the time is up. Used for target hops and for forwards that the gateway dials. Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/worker_pool.h"

namespace sekisho::net {

/// A connection attempt; destroying it gives up, and `done` is not called.
class Dial {
public:
    virtual ~Dial() = default;
};

struct Dialed {
    int fd = -1;  // non-blocking, connected; the receiver owns it
    Endpoint peer;
};

/// Whether an address that a name turned out to have may be connected to; the error says why not. Asked on the loop, once for each
/// address; those it lets through are the ones that are connected to, with no second look-up in between.
using Judge = std::function<Result<void>(const Endpoint&)>;

class Dialer {
public:
    explicit Dialer(WorkerPool& pool) : m_pool(pool) {}

    /// `done` runs on `loop`, exactly once unless the Dial is destroyed before. The error's text names what did not work.
    std::unique_ptr<Dial> dial(Loop& loop, const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout,
        std::function<void(Result<Dialed>)> done, Judge judge = {});

    /// The same through a proxy (net/proxy_dial.h), which resolves the name; a worker waits for it. `peer` is the proxy.
    std::unique_ptr<Dial> dial_by_proxy(Loop& loop, const std::string& proxy, const std::string& host, std::uint16_t port,
        std::chrono::milliseconds timeout, std::function<void(Result<Dialed>)> done);

private:
    WorkerPool& m_pool;
};

}  // namespace sekisho::net
