// The algorithm policy against its golden file; and every message number in every state against the rules written out anew.
#include <fstream>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "crypto/key_agreement.h"
#include "crypto/packet_cipher.h"
#include "ssh/config.h"
#include "ssh/msg_kex_group.h"
#include "ssh/transitions.h"

namespace sekisho::ssh {
namespace {

std::string joined(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : " ") + name;
    return out;
}

TEST(AlgorithmPolicy, IsTheGoldenFile) {
    std::map<std::string, std::string> golden;
    std::ifstream file(SEKISHO_SOURCE_DIR "/tests/unit/ssh/algorithms.golden");
    ASSERT_TRUE(file.is_open());
    for (std::string line; std::getline(file, line);) {
        const std::size_t equals = line.find(" = ");
        if (line.starts_with('#') || equals == std::string::npos) continue;
        golden[line.substr(0, equals)] = line.substr(equals + 3);
    }
    const Algorithms& policy = default_algorithms();
    EXPECT_EQ(joined(policy.kex), golden["kex"]);
    EXPECT_EQ(joined(policy.host_keys), golden["host_keys"]);
    EXPECT_EQ(joined(policy.ciphers), golden["ciphers"]);
    EXPECT_EQ(joined(policy.macs), golden["macs"]);
    EXPECT_EQ(joined(policy.compression), golden["compression"]);
    EXPECT_EQ(joined(policy.user_signatures), golden["user_signatures"]);
    const Algorithms& strict = strict_algorithms();
    EXPECT_EQ(joined(strict.kex), golden["strict_kex"]);
    EXPECT_EQ(joined(strict.host_keys), golden["strict_host_keys"]);
    EXPECT_EQ(joined(strict.ciphers), golden["ciphers"]);
    EXPECT_EQ(joined(strict.macs), golden["strict_macs"]);
    EXPECT_EQ(joined(strict.compression), golden["compression"]);
    EXPECT_EQ(joined(strict.user_signatures), golden["user_signatures"]);
    const Algorithms& legacy = legacy_additions();
    EXPECT_EQ(joined(legacy.kex), golden["legacy_kex"]);
    EXPECT_EQ(joined(legacy.host_keys), golden["legacy_host_keys"]);
    EXPECT_EQ(joined(legacy.ciphers), golden["legacy_ciphers"]);
    EXPECT_EQ(joined(legacy.macs), golden["legacy_macs"]);
    EXPECT_TRUE(legacy.compression.empty() && legacy.user_signatures.empty());
    EXPECT_EQ(golden.size(), 13U);
}

TEST(AlgorithmPolicy, EveryNameIsOneThatThisBuildHas) {
    const Algorithms& policy = default_algorithms();
    for (const std::string& name : policy.kex) {
        EXPECT_TRUE(name == kGroupExchangeSha256 || crypto::key_agreement(name) != nullptr) << name;
    }
    for (const std::string& name : policy.ciphers) EXPECT_TRUE(crypto::cipher_known(name)) << name;
    for (const std::string& name : policy.macs) EXPECT_TRUE(crypto::mac_known(name)) << name;
    const Algorithms& legacy = legacy_additions();
    for (const std::string& name : legacy.kex) EXPECT_NE(crypto::key_agreement(name), nullptr) << name;
    for (const std::string& name : legacy.ciphers) EXPECT_TRUE(crypto::cipher_known(name)) << name;
    for (const std::string& name : legacy.macs) EXPECT_TRUE(crypto::mac_known(name)) << name;
}

// What RFC 4250–4254, 8308 and strict key exchange allow, said a second time and differently: sets of numbers for a state.
std::set<int> allowed(Role role, Phase phase, ExchangeState exchange, bool strict) {
    const bool server = role == Role::Server;
    std::set<int> numbers{1};
    if (!(strict && phase == Phase::FirstExchange)) numbers.insert({2, 3, 4});
    if (phase == Phase::Connected) {  // while keys are exchanged again as well
        numbers.insert({80, 81, 82});
        for (int n = 90; n <= 100; ++n) numbers.insert(n);
    }
    switch (exchange) {
        case ExchangeState::Quiet: numbers.insert(20); break;
        case ExchangeState::ExpectInit:
            if (server) numbers.insert(30);
            return numbers;
        case ExchangeState::ExpectReply:
            if (!server) numbers.insert(31);
            return numbers;
        case ExchangeState::ExpectDecision: return numbers;
        case ExchangeState::ExpectNewKeys: numbers.insert(21); return numbers;
        case ExchangeState::ExpectGroupRequest:
            if (server) numbers.insert(34);
            return numbers;
        case ExchangeState::ExpectGroupInit:
            if (server) numbers.insert(32);
            return numbers;
        case ExchangeState::ExpectGroup:
            if (!server) numbers.insert(31);
            return numbers;
        case ExchangeState::ExpectGroupReply:
            if (!server) numbers.insert(33);
            return numbers;
    }
    switch (phase) {
        case Phase::FirstExchange: break;
        case Phase::ExpectService: numbers.insert(server ? 5 : 6); numbers.insert(7); break;
        case Phase::Authenticating:
            if (server) {
                numbers.insert({5, 50, 61});
            } else {
                numbers.insert({7, 51, 52, 53, 60});
            }
            break;
        case Phase::Connected:
            numbers.insert({192, 193});
            if (server) numbers.insert(50);
            break;
    }
    return numbers;
}

TEST(Transitions, OnlyTheListedMessagesAreLegalInEveryState) {
    for (const Role role : {Role::Client, Role::Server}) {
        for (int phase = 0; phase < 4; ++phase) {
            for (int exchange = 0; exchange < kExchangeStates; ++exchange) {
                for (const bool strict : {false, true}) {
                    const auto p = static_cast<Phase>(phase);
                    const auto x = static_cast<ExchangeState>(exchange);
                    const std::set<int> legal = allowed(role, p, x, strict);
                    for (int number = 0; number < 256; ++number) {
                        const bool is_legal = judge(role, p, x, strict, static_cast<std::uint8_t>(number)) == Verdict::Legal;
                        EXPECT_EQ(is_legal, legal.contains(number))
                            << "role " << static_cast<int>(role) << " phase " << phase << " exchange " << exchange << " strict "
                            << strict << " message " << number;
                    }
                }
            }
        }
    }
}

TEST(Transitions, UnknownNumbersAreUnimplementedOnlyWhenNothingIsExchanged) {
    EXPECT_EQ(judge(Role::Server, Phase::Connected, ExchangeState::Quiet, true, 150), Verdict::Unknown);
    EXPECT_EQ(judge(Role::Server, Phase::Connected, ExchangeState::ExpectNewKeys, true, 150), Verdict::Illegal);
    EXPECT_EQ(judge(Role::Server, Phase::FirstExchange, ExchangeState::Quiet, false, 150), Verdict::Illegal);
    EXPECT_EQ(judge(Role::Server, Phase::Connected, ExchangeState::Quiet, true, 53), Verdict::Illegal);
}

}  // namespace
}  // namespace sekisho::ssh
