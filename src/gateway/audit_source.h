// AuditSource: the audit records, for those who tell them to others. A store connection of its own, so that nobody who signs in waits for a
// reader; made only where something is told. Thread-safe; calls block. Owned by gateway/telling.
#pragma once

#include <memory>
#include <mutex>

#include "notify/small_file.h"
#include "store/store.h"

namespace sekisho::gateway {

class AuditSource {
public:
    explicit AuditSource(std::unique_ptr<store::Store> store) : m_store(std::move(store)) {}

    /// Records behind `sequence`, the oldest first.
    Result<std::vector<model::AuditRecord>> after(std::uint64_t sequence, std::size_t most);
    /// The number of the last record there is; 0 without any.
    Result<std::uint64_t> end();
    /// Where a reader goes on: at `position`, or, where it was never there, behind all there is, which is noted.
    Result<std::uint64_t> begin_at(const notify::Position& position);
    Result<std::optional<model::Session>> session(const std::string& id);
    /// What its records name as targets and forwards, each once, the first ones.
    Result<std::vector<std::string>> places(const model::Session& session);

private:
    std::mutex m_mutex;
    const std::unique_ptr<store::Store> m_store;
};

}  // namespace sekisho::gateway
