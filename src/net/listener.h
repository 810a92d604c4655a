// Listener: a listening TCP socket on one loop; hands every accepted socket on. Running out of descriptors pauses it instead
// of ending it or spinning. Owned by gateway/serve.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/endpoint.h"
#include "net/loop.h"

namespace sekisho::net {

class Listener {
public:
    /// `accepted` gets a non-blocking socket that it owns, and the peer's address; on the loop's thread.
    using Accepted = std::function<void(int fd, Endpoint peer)>;

    /// Binds and listens; accepting begins with start(). Port 0: any free one.
    static Result<std::unique_ptr<Listener>> open(Loop& loop, const std::string& host, std::uint16_t port);
    ~Listener();

    /// Call before the loop runs, or on its thread; as stop().
    void start(Accepted accepted);
    void stop();
    const Endpoint& local() const;

private:
    struct State;
    explicit Listener(std::shared_ptr<State> state);
    std::shared_ptr<State> m_state;
};

}  // namespace sekisho::net
