// The user CA while it is replaced without an outage: publish the next key, wait until targets trust it, activate it, wait until they
// fetched again, retire the old one. Steps as the admin API, the gateway and the keyholder name them; keys as public lines.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho::model {

enum class CaStep : std::uint8_t {
    Publish = 1,  // make the next key; nothing is signed with it
    Activate = 2,  // sign with the next key; the one before is the old one
    Retire = 3,  // destroy the old key
    Drop = 4,  // destroy the next key instead of activating it
};

inline constexpr std::array<std::pair<std::string_view, CaStep>, 4> kCaSteps{
    {{"publish", CaStep::Publish}, {"activate", CaStep::Activate}, {"retire", CaStep::Retire}, {"drop", CaStep::Drop}}};

inline std::optional<CaStep> parse_ca_step(std::string_view text) {
    for (const auto& [name, step] : kCaSteps) {
        if (name == text) return step;
    }
    return std::nullopt;
}

/// Lines for TrustedUserCAKeys; empty where there is none.
struct UserCa {
    std::string signing;
    std::string next;
    std::string old;

    /// What a target has to trust now: one line for each key.
    std::string text() const {
        std::string all;
        for (const std::string* line : {&signing, &next, &old}) {
            if (!line->empty()) all += *line + "\n";
        }
        return all;
    }
};

}  // namespace sekisho::model
