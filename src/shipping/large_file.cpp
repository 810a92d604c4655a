#include "shipping/large_file.h"

#include <algorithm>

#include "s3/multipart.h"

namespace sekisho::shipping {

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

}  // namespace

std::uint64_t LargeFile::part_size(std::uint64_t size) {
    const std::uint64_t least = (size + s3::kMostParts - 1) / s3::kMostParts;
    return std::max(kPart, (least + kMiB - 1) / kMiB * kMiB);
}

LargeFile::LargeFile(Bucket& bucket, LocalFile file, bool fresh)
    : m_bucket(bucket), m_file(std::move(file)), m_object(object_name(bucket.prefix(), m_file.name)),
      m_part_size(part_size(m_file.size)), m_count(static_cast<unsigned>((m_file.size + m_part_size - 1) / m_part_size)),
      m_fresh(fresh) {}

Result<LargeFile::Step> LargeFile::step() {
    if (!m_known) {
        if (auto found = find_out(); !found) return std::unexpected(found.error());
        m_known = true;
    }
    if (!m_stored) {
        if (auto put = put_next(); !put) return std::unexpected(put.error());
        return !m_stored || m_file.ended ? Step::More : Step::Stored;
    }
    if (!m_file.ended) return Step::Stored;  // it grows: nobody reads it back
    return compare_next();
}

Result<void> LargeFile::find_out() {
    if (!m_fresh && m_file.ended) {
        Result<std::optional<std::uint64_t>> there = std::nullopt;
        const auto looked = m_bucket.look({m_object}, [&](std::size_t, auto size) { there = std::move(size); });
        if (!looked) return looked;
        if (there && *there == m_file.size) {
            m_stored = true;
            return {};
        }
    }
    return resume();
}

/// The parts of an upload that has begun are the file's own: it is only added to. One upload is gone on with, the others are given up.
Result<void> LargeFile::resume() {
    auto uploads = m_bucket.uploads(m_object);
    if (!uploads) return std::unexpected(uploads.error());
    for (std::size_t i = m_fresh ? 0 : 1; i < uploads->size(); ++i) {
        if (auto gone = m_bucket.abort((*uploads)[i]); !gone) return gone;
    }
    if (m_fresh || uploads->empty()) {
        auto id = m_bucket.begin(m_object);
        if (!id) return std::unexpected(id.error());
        m_upload = {m_object, std::move(*id)};
        return {};
    }
    m_upload = uploads->front();
    auto parts = m_bucket.parts(*m_upload);
    if (!parts) return std::unexpected(parts.error());
    for (Bucket::Part& part : *parts) {
        const auto number = static_cast<unsigned>(m_parts.size() + 1);
        if (part.number != number || number > m_count || part.size != size_of_part(number)) break;
        m_parts.push_back(std::move(part));
    }
    return {};
}

std::uint64_t LargeFile::size_of_part(unsigned number) const {
    return std::min(m_part_size, m_file.size - (number - 1) * m_part_size);
}

Result<void> LargeFile::put_next() {
    const auto number = static_cast<unsigned>(m_parts.size() + 1);
    if (number > m_count) {
        if (auto done = m_bucket.complete(*m_upload, m_parts); !done) return done;
        m_stored = true;
        return {};
    }
    const std::uint64_t size = size_of_part(number);
    auto body = read_piece(m_file.path, (number - 1) * m_part_size, static_cast<std::size_t>(size));
    if (!body) return std::unexpected(body.error());
    auto tag = m_bucket.put_part(*m_upload, number, std::move(*body));
    if (!tag) return std::unexpected(tag.error());
    m_parts.push_back({number, size, std::move(*tag)});
    return {};
}

Result<LargeFile::Step> LargeFile::compare_next() {
    if (!m_hash) m_hash.emplace(crypto::HashKind::Sha256);
    const auto size = static_cast<std::size_t>(std::min(kPart, m_file.size - m_compared));
    const auto there = m_bucket.read(m_object, m_compared, size);
    if (!there) return std::unexpected(there.error());
    const auto here = read_piece(m_file.path, m_compared, size);
    if (!here) return std::unexpected(here.error());
    if (*there != *here) return Step::Differs;
    m_hash->update(base::view(*here));
    m_compared += size;
    if (m_compared < m_file.size) return Step::More;
    // Nothing stands behind it, either.
    const auto behind = m_bucket.read(m_object, m_file.size, 1);
    if (!behind) return std::unexpected(behind.error());
    if (!behind->empty()) return Step::Differs;
    m_sha256 = base::hex(m_hash->finish());
    return Step::Stored;
}

}  // namespace sekisho::shipping
