// Smtp: one connection to the relay for as many mails as there are (libcurl speaks it). STARTTLS or TLS from the beginning unless the
// configuration says none, and a password never without it. Blocks; owned by notify/mail_sender, on its thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "notify/mail.h"

namespace sekisho::notify {

struct RelaySettings {
    std::string url;  // smtp://HOST[:PORT], smtps://…
    std::string host;  // what this machine calls itself
    bool tls = true;  // false: not even where the relay offers it
    std::string authorities;  // PEM; empty: the system's
    std::string user;  // empty: no sign-in
    std::function<Result<Secret>()> password;  // read anew for each connection
};

struct Delivery {
    enum class Outcome {
        Accepted,
        Refused,  // this mail; the relay itself is well
        Unreachable,  // the relay, or it wants none of us: the others need not be tried now
    };
    Outcome outcome = Outcome::Unreachable;
    std::string reason;  // one line, without anything secret
};

class Smtp {
public:
    /// What runs ends soon when `stop` becomes true.
    Smtp(const RelaySettings& settings, const std::atomic<bool>& stop);
    ~Smtp();
    Smtp(const Smtp&) = delete;
    Smtp& operator=(const Smtp&) = delete;

    /// Accepted when the relay answered the end of the data with 2xx, and never else.
    Delivery send(const Mail& mail);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace sekisho::notify
