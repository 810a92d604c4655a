// Order of a look: what is here (survey) → small recordings, many at once → large ones, step by step, until the next look is due → remove
// what is safe (shipper_removal.cpp).
#include "shipping/shipper.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/log.h"
#include "recording/folder.h"

namespace sekisho::shipping {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kFirstPause{5};
constexpr std::chrono::seconds kLongestPause{3600};

WallTime after(WallTime now, std::chrono::seconds pause) { return now + std::chrono::duration_cast<WallTime::duration>(pause); }

}  // namespace

Result<bool> Shipper::pass(const ShipSettings& settings) {
    m_settings = settings;
    m_error.reset();
    m_down = false;
    bool more = false;
    const auto begun = begin();
    if (!begun) note(begun.error());
    survey();
    if (begun) {
        ship_small();
        more = ship_large();
        remove_old();
    }
    stay_below_limit();
    if (begun) expire();
    for (const auto& [key, known] : m_known) {
        if (known.failures > 0) note(known.error);
    }
    if (m_error) return std::unexpected(*m_error);
    return more;
}

/// What was shipped before. Until the books can be read nothing is: it would all be sent again.
Result<void> Shipper::begin() {
    if (m_begun) return {};
    const auto empty = m_books.empty();
    if (!empty) return std::unexpected(empty.error());
    if (*empty) {
        if (auto found = find_what_is_there_only(); !found) return found;
    }
    auto here = m_books.here();
    if (!here) return std::unexpected(here.error());
    for (model::Shipment& one : *here) m_books_said.insert_or_assign(one.object, std::move(one));
    m_begun = true;
    return {};
}

/// Books that were lost are made anew: what is in the bucket and not here was removed here. What is here is read back anyway. Retention
/// counts from now on.
Result<void> Shipper::find_what_is_there_only() {
    const auto objects = m_bucket.list("");
    if (!objects) return std::unexpected(objects.error());
    std::vector<model::Shipment> found;
    for (const Bucket::Object& object : *objects) {
        auto name = parse_object_name(m_bucket.prefix(), object.key);
        if (!name || facts_of(recording::path_of(m_settings.folder, name->audit_key))) continue;
        found.push_back({std::move(name->audit_key), std::move(name->session), object.key, object.size, "", model::ShipmentState::Removed,
            m_clock(), m_clock()});
    }
    return found.empty() ? Result<void>() : m_books.keep(found, {});
}

void Shipper::survey() {
    for (auto& [key, known] : m_known) {
        known.seen = false;
        if (m_settings.at_once) known.next = {};
    }
    for (const std::string& path : recording::all_recordings(m_settings.folder))
        look_at(path, m_known[std::filesystem::path(path).stem().string()]);
    std::erase_if(m_known, [](const auto& one) { return !one.second.seen; });
    if (m_begun) m_books_said.clear();
    if (m_large && !m_known.contains(m_large->file().name.audit_key)) m_large.reset();
}

void Shipper::look_at(const std::string& path, Known& known) {
    const auto facts = facts_of(path);
    if (!facts) return;
    if (known.file.ended && facts->size == known.file.size && facts->changed_ns == known.file.changed_ns) {
        known.seen = true;
    } else if (auto file = examine(m_settings.folder, path, m_clock())) {
        known.seen = true;
        known.file = std::move(*file);
        known.object = object_name(m_bucket.prefix(), known.file.name);
    }
    if (known.shipment || !known.seen) return;
    if (const auto said = m_books_said.find(known.object); said != m_books_said.end()) known.shipment = said->second;
}

bool Shipper::wants(const Known& known, bool large) const {
    if (!known.seen || m_clock() < known.next || (known.file.size > LargeFile::kPart) != large) return false;
    if (!known.file.ended) return known.file.size != known.sent;
    const auto& shipment = known.shipment;
    return !shipment || shipment->state != model::ShipmentState::Verified || shipment->size != known.file.size;
}

/// The oldest first; those that ended before those that run.
Shipper::Keys Shipper::wanted(bool large) {
    Keys keys;
    std::uint64_t bytes = 0;
    for (const bool ended : {true, false}) {
        for (const auto& [key, known] : m_known) {
            if (known.file.ended != ended || !wants(known, large)) continue;
            if (!keys.empty() && (bytes + known.file.size > kMostSmallBytes || keys.size() == kMostSmall)) return keys;
            bytes += known.file.size;
            keys.push_back(key);
        }
    }
    return keys;
}

// --- small recordings ---

void Shipper::ship_small() {
    const WallTime until = after(m_clock(), m_settings.every);
    while (!m_down) {
        const Keys keys = wanted(false);
        if (keys.empty()) return;
        std::vector<std::string> bodies(keys.size());
        send_small(keys, bodies);
        if (m_clock() >= until) return;
    }
}

void Shipper::send_small(const Keys& keys, std::vector<std::string>& bodies) {
    Keys sent, objects;
    std::vector<std::string> texts;
    for (const std::string& key : keys) {
        Known& known = m_known.at(key);
        auto body = read_piece(known.file.path, 0, static_cast<std::size_t>(known.file.size));
        if (!body) {
            trouble(known, body.error());
            continue;
        }
        sent.push_back(key);
        objects.push_back(known.object);
        texts.push_back(std::move(*body));
    }
    std::vector<bool> arrived(sent.size());
    const auto put = m_bucket.put(objects, texts, [&](std::size_t i, const Result<void>& done) {
        arrived[i] = done.has_value();
        if (!done) trouble(m_known.at(sent[i]), done.error());
    });
    if (!put) {
        m_down = true;
        note(put.error());
    }
    Keys ended;
    bodies.clear();
    std::vector<model::Shipment> running;
    std::vector<Known*> whose;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        Known& known = m_known.at(sent[i]);
        if (!arrived[i]) continue;
        if (known.file.ended) {
            ended.push_back(sent[i]);
            bodies.push_back(std::move(texts[i]));
            continue;
        }
        known.sent = known.file.size;
        running.push_back({known.file.name.audit_key, known.file.name.session, known.object, known.sent, "",
            model::ShipmentState::Shipped, std::nullopt, std::nullopt});
        whose.push_back(&known);
    }
    keep(std::move(running), {}, std::move(whose));
    if (!ended.empty() && !m_down) read_back(ended, bodies);
}

/// What is in the bucket counts, and not what was sent.
void Shipper::read_back(const Keys& keys, const std::vector<std::string>& bodies) {
    Keys objects;
    for (const std::string& key : keys) objects.push_back(m_known.at(key).object);
    std::vector<model::Shipment> verified;
    std::vector<Known*> whose;
    const auto read = m_bucket.get(objects, 2 * LargeFile::kPart, [&](std::size_t i, const Result<std::string>& content) {
        Known& known = m_known.at(keys[i]);
        if (!content) return trouble(known, content.error());
        if (*content != bodies[i]) return differs(known);
        verified.push_back({known.file.name.audit_key, known.file.name.session, known.object, bodies[i].size(),
            base::hex(crypto::sha256({base::view(bodies[i])})), model::ShipmentState::Verified, m_clock(), std::nullopt});
        whose.push_back(&known);
    });
    if (!read) {
        m_down = true;
        note(read.error());
    }
    keep(std::move(verified), {}, std::move(whose));
}

// --- large ones ---

/// True: one of them is not there yet.
bool Shipper::ship_large() {
    const WallTime until = after(m_clock(), m_settings.every);
    while (!m_down) {
        if (!m_large) {
            const Keys keys = wanted(true);
            if (keys.empty()) return false;
            const Known& known = m_known.at(keys.front());
            m_large = std::make_unique<LargeFile>(m_bucket, known.file, known.fresh);
        }
        Known& known = m_known.at(m_large->file().name.audit_key);
        const auto step = m_large->step();
        if (!step) {
            trouble(known, step.error());
            m_large.reset();
            m_down = true;
        } else if (*step == LargeFile::Step::Differs) {
            m_large.reset();
            differs(known);
        } else if (*step == LargeFile::Step::Stored) {
            const auto large = std::move(m_large);
            known.fresh = false;
            const std::uint64_t size = large->file().size;
            const bool ended = large->file().ended;
            if (!ended) {
                known.sent = size;
                known.next = after(m_clock(), m_settings.every * static_cast<std::int64_t>(size / kMostRunningBytes));
            }
            keep({{known.file.name.audit_key, known.file.name.session, known.object, size, large->sha256(),
                     ended ? model::ShipmentState::Verified : model::ShipmentState::Shipped,
                     ended ? std::optional(m_clock()) : std::nullopt, std::nullopt}},
                {}, {&known});
        }
        if (m_clock() >= until) return m_large != nullptr;
    }
    return false;
}

// --- what went wrong ---

void Shipper::note(const Error& error) {
    if (!m_error) m_error = error;
}

void Shipper::trouble(Known& known, const Error& error) {
    const auto pause = std::min(kLongestPause, kFirstPause * (1U << std::min(known.failures++, 10U)));
    known.next = after(m_clock(), pause);
    known.error = {known.file.name.audit_key + ": " + error.text, error.detail};
    note(known.error);
}

/// Somebody else wrote there, or the bucket lost something. It stays here and is sent again.
void Shipper::differs(Known& known) {
    const Error error{"what was read back from the bucket is not the recording; it stays here, and is sent again", ""};
    known.fresh = true;
    trouble(known, error);
    model::AuditRecord record;
    record.kind = "recording.upload";
    record.session = known.file.name.session;
    record.subject = known.file.name.audit_key;
    record.outcome = "failed";
    record.reason = error.text;
    keep({}, {record}, {});
}

void Shipper::keep(
    std::vector<model::Shipment> shipments, const std::vector<model::AuditRecord>& records, std::vector<Known*> whose) {
    if (shipments.empty() && records.empty()) return;
    if (const auto kept = m_books.keep(shipments, records); !kept) {
        m_down = true;  // what is not written down is sent again
        return note(kept.error());
    }
    for (std::size_t i = 0; i < whose.size(); ++i) {
        whose[i]->shipment = std::move(shipments[i]);
        whose[i]->failures = 0;
        if (whose[i]->file.ended) whose[i]->fresh = false;
    }
}

}  // namespace sekisho::shipping
