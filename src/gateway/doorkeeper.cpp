#include "gateway/doorkeeper.h"

#include <fmt/format.h>

#include "base/log.h"
#include "crypto/random.h"

namespace sekisho::gateway {

namespace {

constexpr std::size_t kMostListed = 1000;

unsigned throw_dice() {
    std::array<std::byte, 2> random{};
    crypto::system_random().fill(random);
    return (std::to_integer<unsigned>(random[0]) << 8 | std::to_integer<unsigned>(random[1])) % 100;
}

long long seconds(Duration time) { return std::chrono::ceil<std::chrono::seconds>(time).count(); }

}  // namespace

std::string_view name(TurnedAway why) {
    switch (why) {
        case TurnedAway::Penalty: return "penalty";
        case TurnedAway::Overflow: return "too many penalties";
        case TurnedAway::Starts: return "too many are signing in";
        case TurnedAway::StartsOfSource: return "too many of its network are signing in";
        case TurnedAway::Connections: return "too many connections";
    }
    return "?";
}

Stranger::~Stranger() {
    if (m_door != nullptr) m_door->left(m_block);
}

void Stranger::failed(SourcePenalties::Why why, TimePoint now) {
    if (m_door != nullptr) m_door->failed(m_source, why, now);
}

void Doorkeeper::configure(const model::SshConfig& config) {
    const model::PenaltyConfig& given = config.penalties;
    SourcePenalties::Rules rules;
    rules.costs = {given.no_auth, given.auth_fail, given.grace_exceeded, given.root};
    rules.least = given.least;
    rules.most = given.most;
    rules.sources = given.max_sources;
    rules.deny_all = given.overflow == "deny-all";
    rules.blocks = {static_cast<unsigned>(config.source_bits_v4), static_cast<unsigned>(config.source_bits_v6)};
    for (const std::string& text : given.exempt) {
        if (const auto network = base::Network::parse(text)) rules.exempt.push_back(*network);
    }
    const StartLimits::Rules starts{
        config.startups.drop_from, config.startups.drop_percent, config.startups.most, config.startups.most_per_source};
    const std::lock_guard lock(m_mutex);
    // Who is counted in a block of the old size is still on the way: a Stranger leaves the block it came with.
    m_blocks = rules.blocks;
    m_penalties.set(std::move(rules));
    m_starts.set(starts);
}

std::variant<Stranger, TurnedAway> Doorkeeper::admit(const net::Endpoint& peer, TimePoint now) {
    // An address without a reading is no network's: counted, under the unspecified one.
    const base::Address source = base::Address::parse(peer.address).value_or(base::Address{});
    const unsigned dice = throw_dice();
    const std::lock_guard lock(m_mutex);
    switch (m_penalties.judge(source, now)) {
        case SourcePenalties::Verdict::Penalised: return TurnedAway::Penalty;
        case SourcePenalties::Verdict::Overflow: return TurnedAway::Overflow;
        case SourcePenalties::Verdict::Welcome: break;
    }
    const SourceBlock block = block_of(source, m_blocks);
    switch (m_starts.begin(block, dice)) {
        case StartLimits::Verdict::Full: return TurnedAway::Starts;
        case StartLimits::Verdict::SourceFull: return TurnedAway::StartsOfSource;
        case StartLimits::Verdict::Welcome: break;
    }
    return Stranger(*this, source, block);
}

/// A stranger's network may begin its penalty again and again: log and audit take so many a second.
void Doorkeeper::failed(const base::Address& source, SourcePenalties::Why why, TimePoint now) {
    std::optional<SourcePenalties::Penalty> begun;
    {
        const std::lock_guard lock(m_mutex);
        begun = m_penalties.add(source, why, now);
    }
    if (!begun) return;
    const std::string network = begun->block.text();
    const std::string time = fmt::format("{}s", seconds(begun->left));
    log::warn_limited("source.penalised", {{"network", network}, {"for", time}, {"reason", std::string(text(why))}});
    if (!m_refusals.permit(now)) return;
    model::AuditRecord record;
    record.kind = "source.penalised";
    record.source = source.text();
    record.subject = network;
    record.outcome = "refused";
    record.reason = fmt::format("turned away for {}: the last one {}{}", time, text(why), m_refusals.left_out());
    m_store.audit(std::move(record));
}

void Doorkeeper::left(const SourceBlock& block) {
    const std::lock_guard lock(m_mutex);
    m_starts.end(block);
}

std::vector<model::SourcePenalty> Doorkeeper::penalties(TimePoint now) {
    std::vector<SourcePenalties::Penalty> held;
    {
        const std::lock_guard lock(m_mutex);
        held = m_penalties.list(now, kMostListed);
    }
    std::vector<model::SourcePenalty> out;
    for (const auto& one : held) {
        out.push_back({one.block.text(), std::string(text(one.why)), std::chrono::seconds(seconds(one.left)), one.enforced});
    }
    return out;
}

std::uint64_t Doorkeeper::strangers() {
    const std::lock_guard lock(m_mutex);
    return m_starts.count();
}

}  // namespace sekisho::gateway
