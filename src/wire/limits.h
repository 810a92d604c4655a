// Every bound on what a peer may make us hold or do, in one place (docs/THREAT_MODEL.md lists the test of each).
// A length is compared with its limit before anything is allocated from it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sekisho::wire::limits {

inline constexpr std::size_t kIdentificationLine = 255;        // RFC 4253 §4.2, with CR LF
inline constexpr std::size_t kIdentificationPreamble = 8192;   // lines a server may send before its identification
inline constexpr std::size_t kPacketBeforeAuth = 35000;        // RFC 4253 §6.1
inline constexpr std::size_t kPacket = 256 * 1024;             // after authentication
inline constexpr std::uint64_t kBytesBeforeAuth = 1024 * 1024;
inline constexpr std::chrono::seconds kLoginGrace{120};
inline constexpr std::size_t kNameList = 8192;                 // bytes of one name-list
inline constexpr std::size_t kText = 4096;                     // reason of a DISCONNECT or of a refused channel
inline constexpr std::size_t kPing = 32 * 1024;                // what PONG repeats
inline constexpr std::size_t kShare = 8192;                    // of one side in a key exchange
inline constexpr std::size_t kAlgorithmName = 128;
inline constexpr std::size_t kKeyBlob = 16 * 1024;             // a public key or certificate
inline constexpr std::size_t kSignature = 4096;
inline constexpr std::size_t kUserName = 256;
inline constexpr std::size_t kMethodName = 64;
inline constexpr unsigned kAuthAttempts = 20;                  // signed attempts and offers together
inline constexpr std::size_t kWaitingAuthRequests = 8;         // that came before the last one was answered
inline constexpr unsigned kAuthFailures = 10;                  // attempts that were rejected
inline constexpr std::size_t kChannels = 1024;                 // per connection
inline constexpr std::size_t kPendingReplies = 128;            // requests of one channel, or global, waiting for their answer
inline constexpr std::size_t kChannelRequestPayload = 128 * 1024;
inline constexpr std::size_t kQueuedRequestBytes = 256 * 1024; // per channel, requests that wait for the other hop
inline constexpr std::size_t kRemoteForwards = 128;             // of one client: listening, and asked for
inline constexpr std::size_t kGatewayPorts = 32;                // of the gateway itself, where it listens for one client
inline constexpr std::size_t kPortConnections = 64;             // at one of these, at once
inline constexpr std::size_t kForwardedChannels = 256;          // that one target holds open towards the client
inline constexpr std::size_t kAgentChannels = 32;               // the same
inline constexpr std::size_t kX11Channels = 64;                 // the same
inline constexpr std::size_t kUnsentBytes = 4 * 1024 * 1024;   // answers to a peer that reads none, before it is given up
inline constexpr std::size_t kHeldBytes = 4 * 1024 * 1024;     // the same, waiting for the end of a key exchange
inline constexpr std::size_t kHostKeys = 32;                    // announced, or proven, at once
inline constexpr std::size_t kEnvironmentCount = 128;
inline constexpr std::size_t kEnvironmentBytes = 128 * 1024;
inline constexpr std::size_t kExtensions = 64;                 // entries of EXT_INFO
inline constexpr std::size_t kBanner = 16 * 1024;
inline constexpr unsigned kBanners = 16;                       // of a server, in one connection
inline constexpr std::size_t kPrompts = 32;                     // keyboard-interactive: in one question
inline constexpr std::size_t kPromptText = 8 * 1024;            // name, instruction, or one prompt
inline constexpr unsigned kPromptRounds = 32;                   // questions of a server in one attempt
inline constexpr std::size_t kAnswer = 4096;                    // an answer, or a password
inline constexpr std::size_t kHostName = 512;                   // as a client names itself in hostbased
inline constexpr std::size_t kAgentAnswer = 256 * 1024;        // of the user's agent
inline constexpr std::uint32_t kAgentIdentities = 256;
inline constexpr std::uint32_t kGroupBitsLeast = 2048;         // Diffie-Hellman group exchange: RFC 8270 §3
inline constexpr std::uint32_t kGroupBitsWanted = 3072;        // the strength of curve25519
inline constexpr std::uint32_t kGroupBitsMost = 8192;          // RFC 4419 §3; more only costs us time

inline constexpr std::uint32_t kChannelPacket = 32 * 1024;     // what we ask the peer to send at most in one message
inline constexpr std::uint32_t kWindowInitial = 64 * 1024;
inline constexpr std::uint32_t kWindowMost = 2 * 1024 * 1024;
inline constexpr std::uint64_t kWindowBudget = 16ULL * 1024 * 1024;  // sum over a connection's channels, beyond the initial windows
inline constexpr std::size_t kOutputHighWater = 256 * 1024;    // channel data waits once this much is unsent

inline constexpr std::uint64_t kRekeyBytes = 1ULL << 30;       // RFC 4253 §9; a cipher may ask for less
inline constexpr std::uint64_t kRekeyPackets = 1ULL << 31;     // RFC 4344 §3.1
inline constexpr std::chrono::seconds kRekeyAfter{3600};

}  // namespace sekisho::wire::limits
