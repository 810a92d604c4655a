// Doorkeeper: which connections get as far as a key exchange. Asked when one is accepted, and told how each ended that was not signed
// in: it counts those on their way (start_limits) and turns away networks that keep failing (source_penalties). Costs a look-up in
// two small tables, and no memory for whoever is turned away. Made with Services; thread-safe.
#pragma once

#include <mutex>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/refusal_budget.h"
#include "gateway/source_penalties.h"
#include "gateway/start_limits.h"
#include "gateway/store_worker.h"
#include "model/config.h"
#include "model/live.h"
#include "net/endpoint.h"

namespace sekisho::gateway {

class Doorkeeper;

/// A connection that is not signed in: counted as long as this lives.
class Stranger {
public:
    Stranger() = default;  // counted nowhere
    Stranger(Doorkeeper& door, const base::Address& source, const SourceBlock& block)
        : m_door(&door), m_source(source), m_block(block) {}
    Stranger(Stranger&& other) noexcept
        : m_door(std::exchange(other.m_door, nullptr)), m_source(other.m_source), m_block(other.m_block) {}
    Stranger& operator=(Stranger&& other) noexcept {
        std::swap(m_door, other.m_door);
        std::swap(m_source, other.m_source);
        std::swap(m_block, other.m_block);
        return *this;
    }
    ~Stranger();

    /// It ended without a sign-in, and not by our own doing.
    void failed(SourcePenalties::Why why, TimePoint now);

private:
    Doorkeeper* m_door = nullptr;
    base::Address m_source;
    SourceBlock m_block;
};

enum class TurnedAway { Penalty, Overflow, Starts, StartsOfSource, Connections };
/// For the log.
std::string_view name(TurnedAway why);

class Doorkeeper {
public:
    Doorkeeper(StoreWorker& store, RefusalBudget& refusals) : m_store(store), m_refusals(refusals) {}

    void configure(const model::SshConfig& config);

    std::variant<Stranger, TurnedAway> admit(const net::Endpoint& peer, TimePoint now);
    std::vector<model::SourcePenalty> penalties(TimePoint now);
    std::uint64_t strangers();

private:
    friend class Stranger;
    void failed(const base::Address& source, SourcePenalties::Why why, TimePoint now);
    void left(const SourceBlock& block);

    StoreWorker& m_store;
    RefusalBudget& m_refusals;
    std::mutex m_mutex;
    BlockSizes m_blocks;
    SourcePenalties m_penalties;
    StartLimits m_starts;
};

}  // namespace sekisho::gateway
