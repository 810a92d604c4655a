#include "shipping/fetch.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/thread_name.h"
#include "shipping/large_file.h"

namespace sekisho::shipping {

Result<std::string> find_object(Bucket& bucket, const std::string& audit_key, const std::string& session) {
    if (!session.empty()) return object_name(bucket.prefix(), {audit_key, session});
    const auto listed = bucket.list(object_stem(audit_key));
    if (!listed) return std::unexpected(listed.error());
    std::string found;
    for (const Bucket::Object& one : *listed) {
        if (!parse_object_name(bucket.prefix(), one.key)) continue;
        if (!found.empty()) return fail("several recordings in the bucket have this audit key");
        found = one.key;
    }
    if (found.empty()) return fail("no recording in the bucket has this audit key");
    return found;
}

Result<void> fetch_object(Bucket& bucket, const std::string& object, const TakePiece& take) {
    for (std::uint64_t offset = 0;;) {
        auto piece = bucket.read(object, offset, LargeFile::kPart);
        if (!piece) return std::unexpected(piece.error());
        const std::size_t size = piece->size();
        if (size == 0) return {};
        if (!take(std::move(*piece))) return fail("nobody wants the rest");
        if (size < LargeFile::kPart) return {};
        offset += size;
    }
}

Result<void> fetch_list(Bucket& bucket, const TakePiece& take) {
    constexpr std::size_t kGathered = 65536;
    const auto listed = bucket.list("");
    if (!listed) return std::unexpected(listed.error());
    std::string lines;
    for (const Bucket::Object& one : *listed) {
        nlohmann::json line{{"object", one.key}, {"size", one.size}};
        if (const auto name = parse_object_name(bucket.prefix(), one.key)) {
            line["audit_key"] = name->audit_key;
            line["session"] = name->session;
        }
        lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        if (lines.size() < kGathered) continue;
        if (!take(std::exchange(lines, {}))) return fail("nobody wants the rest");
    }
    if (!lines.empty() && !take(std::move(lines))) return fail("nobody wants the rest");
    return {};
}

Fetcher::~Fetcher() {
    {
        const std::lock_guard lock(m_mutex);
        for (Job& job : m_jobs) {
            job.bucket->stop();
            job.sink->end(fail("the gateway is going down"));
        }
    }
    for (Job& job : m_jobs) job.thread.join();
}

Result<void> Fetcher::fetch(const std::string& audit_key, const std::string& session, std::shared_ptr<model::FileSink> sink) {
    const std::lock_guard lock(m_mutex);
    for (auto job = m_jobs.begin(); job != m_jobs.end();) {
        if (!job->over) {
            ++job;
            continue;
        }
        job->thread.join();
        job = m_jobs.erase(job);
    }
    if (m_jobs.size() >= kMost) return fail("as many recordings as may be are being fetched: try again in a moment");
    auto bucket = m_make();
    if (!bucket) return std::unexpected(bucket.error());
    Job& job = m_jobs.emplace_back();
    job.bucket = std::move(*bucket);
    job.sink = std::move(sink);
    job.thread = std::thread([this, &job, audit_key, session] { run(job, audit_key, session); });
    return {};
}

void Fetcher::run(Job& job, const std::string& audit_key, const std::string& session) {
    base::name_this_thread("fetch");
    const auto take = [&](std::string piece) { return job.sink->take(std::move(piece)); };
    Result<void> outcome;
    if (audit_key.empty()) {
        outcome = fetch_list(*job.bucket, take);
    } else if (const auto object = find_object(*job.bucket, audit_key, session)) {
        outcome = fetch_object(*job.bucket, *object, take);
    } else {
        outcome = std::unexpected(object.error());
    }
    if (!outcome) log::warn_limited("recording.fetch_failed", {{"audit_key", audit_key}, {"reason", outcome.error().full()}});
    job.sink->end(outcome);
    const std::lock_guard lock(m_mutex);
    job.over = true;
}

}  // namespace sekisho::shipping
