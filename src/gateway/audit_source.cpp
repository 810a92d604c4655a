#include "gateway/audit_source.h"

#include <algorithm>

namespace sekisho::gateway {
namespace {

constexpr std::size_t kMostPlaces = 20;
constexpr std::size_t kMostOfSession = 500;

bool names_a_place(const model::AuditRecord& record) {
    return record.outcome == "ok" &&
           (record.kind == "channel.open" || record.kind == "forward.listen" || record.kind == "target.connected");
}

}  // namespace

Result<std::vector<model::AuditRecord>> AuditSource::after(std::uint64_t sequence, std::size_t most) {
    const std::lock_guard lock(m_mutex);
    return m_store->audit_records({.kind = {}, .session = {}, .after = sequence, .most = most});
}

/// Asked for in halves: the store says what comes behind a number, and numbers may have gaps.
Result<std::uint64_t> AuditSource::end() {
    const auto behind = [this](std::uint64_t sequence) -> Result<std::uint64_t> {
        const auto next = after(sequence, 1);
        if (!next) return std::unexpected(next.error());
        return next->empty() ? 0 : next->front().sequence;
    };
    std::uint64_t least = 0,
                  most = 1;  // the last one is there, or between them; behind `most` there is none, once that is known
    while (true) {
        const auto found = behind(most);
        if (!found) return std::unexpected(found.error());
        if (*found == 0) break;
        most = *found + 2 * (*found - least);
        least = *found;
    }
    while (least < most) {
        const std::uint64_t middle = least + (most - least) / 2;
        const auto found = behind(middle);
        if (!found) return std::unexpected(found.error());
        if (*found == 0)
            most = middle;
        else
            least = *found;
    }
    return least;
}

Result<std::uint64_t> AuditSource::begin_at(const notify::Position& position) {
    auto at = position.read();
    if (at || at.error().detail != "missing") return at;
    at = end();
    if (!at) return at;
    if (auto written = position.write(*at, true); !written) return std::unexpected(written.error());
    return at;
}

Result<std::optional<model::Session>> AuditSource::session(const std::string& id) {
    const std::lock_guard lock(m_mutex);
    return m_store->session(id);
}

Result<std::vector<std::string>> AuditSource::places(const model::Session& session) {
    const std::lock_guard lock(m_mutex);
    std::vector<std::string> places;
    if (!session.target.empty()) places.push_back(session.target);
    const auto records = m_store->audit_records({.kind = {}, .session = session.id, .after = 0, .most = kMostOfSession});
    if (!records) return std::unexpected(records.error());
    for (const model::AuditRecord& record : *records) {
        if (places.size() == kMostPlaces) break;
        if (names_a_place(record) && std::ranges::find(places, record.subject) == places.end())
            places.push_back(record.subject);
    }
    return places;
}

}  // namespace sekisho::gateway
