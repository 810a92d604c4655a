// The part of a Shipper that removes: here, what is safe in the bucket for long enough, or where the folder is over its limit; there, what
// was kept long enough. Everything that goes is in the audit records before it goes.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "base/log.h"
#include "recording/check.h"
#include "shipping/shipper.h"

namespace sekisho::shipping {
namespace {

constexpr std::size_t kTogether = 64;
constexpr std::size_t kMostExpired = 256;  // of one look

model::AuditRecord record_of(const model::Shipment& shipment, std::string_view kind, std::string reason) {
    model::AuditRecord record;
    record.kind = kind;
    record.session = shipment.session;
    record.source = "shipping";
    record.subject = shipment.audit_key;
    record.outcome = "ok";
    record.reason = std::move(reason);
    return record;
}

}  // namespace

std::uint64_t Shipper::local_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& [key, known] : m_known) bytes += known.seen ? known.file.size : 0;
    return bytes;
}

void Shipper::remove_old() {
    Keys keys;
    const WallTime now = m_clock();
    for (const auto& [key, known] : m_known) {
        const auto& shipment = known.shipment;
        const bool safe = known.file.ended && shipment && shipment->state == model::ShipmentState::Verified && now >= known.next;
        if (safe && *shipment->verified + m_settings.keep_local <= now) keys.push_back(key);
    }
    remove(keys, "kept here long enough");
}

void Shipper::stay_below_limit() {
    const std::uint64_t limit = m_settings.local_limit;
    std::uint64_t bytes = local_bytes();
    if (limit != 0 && bytes > limit && m_settings.delete_shipped && m_begun) {
        Keys keys;
        std::uint64_t less = 0;
        for (const auto& [key, known] : m_known) {
            if (bytes - less <= limit) break;
            if (!known.file.ended || !known.shipment || known.shipment->state != model::ShipmentState::Verified) continue;
            keys.push_back(key);
            less += known.file.size;
        }
        bytes -= remove(keys, "recording.upload.local_limit was reached");
    }
    const bool full = limit != 0 && bytes > limit;
    if (full == m_was_full) return;
    m_was_full = full;
    m_full(full);
    model::AuditRecord record;
    record.kind = "recording.limit";
    record.source = "shipping";
    record.subject = m_settings.folder;
    record.outcome = full ? "failed" : "ok";
    record.reason = full ? fmt::format("the recordings here take {} bytes, more than recording.upload.local_limit, and are not in "
                                       "the bucket: no new ones are begun where a rule says on_failure = \"refuse\"", bytes)
                         : "the recordings here are below recording.upload.local_limit again";
    if (full)
        log::error("recording.limit", {{"bytes", std::to_string(bytes)}, {"limit", std::to_string(limit)}});
    else
        log::info("recording.limit", {{"bytes", std::to_string(bytes)}, {"limit", std::to_string(limit)}});
    keep({}, {record}, {});
}

/// The file is what was read back, and the object is still there: what was true a day ago need not be.
std::uint64_t Shipper::remove(const Keys& keys, const char* why) {
    std::uint64_t removed = 0;
    for (std::size_t begin = 0; begin < keys.size() && !m_down; begin += kTogether) {
        std::vector<Known*> chosen;
        std::vector<std::string> objects;
        for (std::size_t i = begin; i < std::min(keys.size(), begin + kTogether); ++i) {
            Known& known = m_known.at(keys[i]);
            if (!still_the_same(known)) continue;
            chosen.push_back(&known);
            objects.push_back(known.object);
        }
        std::vector<bool> there(chosen.size());
        const auto looked = m_bucket.look(objects, [&](std::size_t i, const Result<std::optional<std::uint64_t>>& size) {
            if (!size) return trouble(*chosen[i], size.error());
            there[i] = *size == chosen[i]->shipment->size;
            if (there[i]) return;
            chosen[i]->shipment.reset();
            differs(*chosen[i]);
        });
        if (!looked) {
            m_down = true;
            note(looked.error());
        }
        std::vector<model::Shipment> shipments;
        std::vector<model::AuditRecord> records;
        std::vector<Known*> gone;
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            if (!there[i]) continue;
            model::Shipment shipment = *chosen[i]->shipment;
            shipment.state = model::ShipmentState::Removed;
            shipment.removed = m_clock();
            records.push_back(record_of(shipment, recording::kRemovedKind,
                fmt::format("{}; object={} size={} sha256={}", why, shipment.object, shipment.size, shipment.sha256)));
            shipments.push_back(std::move(shipment));
            gone.push_back(chosen[i]);
        }
        if (shipments.empty()) continue;
        if (const auto kept = m_books.keep(shipments, records); !kept) {
            m_down = true;
            note(kept.error());
            return removed;
        }
        for (Known* known : gone) {
            if (::unlink(known->file.path.c_str()) == 0 || errno == ENOENT) {
                removed += known->file.size;
                log::info("recording.removed", {{"audit_key", known->file.name.audit_key}, {"object", known->object}});
            } else {
                note({known->file.path + " cannot be removed", std::system_category().message(errno)});
            }
            m_known.erase(std::string(known->file.name.audit_key));
        }
    }
    return removed;
}

bool Shipper::still_the_same(Known& known) {
    const auto facts = facts_of(known.file.path);
    const auto sha256 = facts ? sha256_of(known.file.path, facts->size) : std::unexpected(Error{"it is gone", ""});
    if (sha256 && facts->size == known.shipment->size && *sha256 == known.shipment->sha256) return true;
    known.shipment.reset();  // it is shipped anew
    known.file.ended = false;  // and looked at anew
    return false;
}

/// Behind the audit record, and again where a killed gateway did not come so far.
void Shipper::expire() {
    if (m_settings.keep_remote.count() == 0 || m_down) return;
    auto old = m_books.old(m_clock() - m_settings.keep_remote, kMostExpired);
    if (!old) return note(old.error());
    std::erase_if(*old, [this](const model::Shipment& one) { return m_known.contains(one.audit_key); });
    std::vector<model::Shipment> expiring;
    std::vector<model::AuditRecord> records;
    for (model::Shipment& one : *old) {
        if (one.state == model::ShipmentState::Expiring) continue;
        one.state = model::ShipmentState::Expiring;
        expiring.push_back(one);
        records.push_back(record_of(one, recording::kExpiredKind, "kept in the bucket long enough; object=" + one.object));
    }
    keep(std::move(expiring), records, {});
    std::vector<model::Shipment> expired;
    for (model::Shipment& one : *old) {
        if (m_down) break;
        if (const auto removed = m_bucket.remove(one.object); !removed) {
            m_down = true;
            note(removed.error());
            break;
        }
        one.state = model::ShipmentState::Expired;
        expired.push_back(one);
        log::info("recording.expired", {{"audit_key", one.audit_key}, {"object", one.object}});
    }
    keep(std::move(expired), {}, {});
}

}  // namespace sekisho::shipping
