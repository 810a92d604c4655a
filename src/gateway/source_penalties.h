// SourcePenalties: networks whose connections end without a sign-in are turned away for a while, as PerSourcePenalties of
// sshd_config(5) has it. Each such end adds time; below a threshold nothing happens, and the time that passes takes it away again.
// What it holds is bounded whatever strangers do. Pure: time is handed in. Owned by Doorkeeper, under its lock.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "gateway/source_block.h"

namespace sekisho::gateway {

class SourcePenalties {
public:
    enum class Why { NoAuth, AuthFail, GraceExceeded, Root };
    static constexpr std::size_t kWhys = 4;

    struct Rules {
        std::array<Duration, kWhys> costs{};  // by Why
        Duration least{};  // nobody is turned away for less
        Duration most{};  // zero: no penalties at all
        std::size_t sources = 0;  // tracked at most, of IPv4 and of IPv6 each
        bool deny_all = false;  // when there is no room for another: turn everybody away, instead of forgiving one early
        BlockSizes blocks;
        std::vector<base::Network> exempt;
    };
    /// What is held stays as it is, unless blocks have another size now.
    void set(Rules rules);

    enum class Verdict { Welcome, Penalised, Overflow };
    Verdict judge(const base::Address& source, TimePoint now);

    struct Penalty {
        SourceBlock block;
        Duration left{};
        Why why{};  // the last
        bool enforced = false;
    };
    /// A connection from there ended so. The penalty, when its enforcement begins with this one.
    std::optional<Penalty> add(const base::Address& source, Why why, TimePoint now);

    /// All that is held, at most `most` of each family; what lasts longest comes first.
    std::vector<Penalty> list(TimePoint now, std::size_t most) const;
    std::size_t size() const { return m_v4.entries.size() + m_v6.entries.size(); }

private:
    struct Entry {
        TimePoint until{};
        Why why{};
        bool enforced = false;
    };
    struct Family {
        std::map<SourceBlock, Entry> entries;
        std::set<std::pair<TimePoint, SourceBlock>> by_end;
    };
    Family& family(const SourceBlock& block) { return block.v6 ? m_v6 : m_v4; }
    bool exempt(const base::Address& source) const;
    static void forget_ended(Family& family, TimePoint now);

    Rules m_rules;
    Family m_v4, m_v6;
};

/// For people: "left without signing in" …
std::string_view text(SourcePenalties::Why why);

}  // namespace sekisho::gateway
