// The one table of legal messages: which message either role may receive in which state. Checked once for every packet,
// before anything of it is parsed (engine.cpp); what is not listed ends the connection or, where RFC 4253 §11.4 asks for
// it, is answered with UNIMPLEMENTED. Used by Engine and by the state-machine tests.
#pragma once

#include <cstdint>

#include "ssh/message_numbers.h"
#include "ssh/types.h"

namespace sekisho::ssh {

/// How far the connection is. Each name says what has been reached.
enum class Phase : std::uint8_t {
    FirstExchange,   // nothing is encrypted yet
    ExpectService,   // encrypted; the authentication service was not asked for (server) or not granted (client)
    Authenticating,
    Connected,
};

/// Where the peer is in a key exchange, as far as what it may send.
enum class ExchangeState : std::uint8_t {
    Quiet,           // no KEXINIT of the peer outstanding
    ExpectInit,      // server: the client's share; client: never
    ExpectReply,     // client: the server's share and signature; server: never
    ExpectDecision,  // our owner signs (server) or judges a group (client); the peer must be silent but for transport messages
    ExpectNewKeys,
    // Diffie-Hellman group exchange has two steps more (RFC 4419 §3).
    ExpectGroupRequest,  // server: the sizes that the client wants
    ExpectGroupInit,     // server: the client's share in the group we sent
    ExpectGroup,         // client: the server's group
    ExpectGroupReply,    // client: the server's share and signature
};
inline constexpr int kExchangeStates = 9;

enum class Verdict : std::uint8_t { Legal, Illegal, Unknown };

/// `strict`: strict key exchange is in force or its first exchange could still agree on it, so that nothing but the exchange
/// itself is legal before the first NEWKEYS (OpenSSH PROTOCOL §1.10).
Verdict judge(Role role, Phase phase, ExchangeState exchange, bool strict, std::uint8_t message);

}  // namespace sekisho::ssh
