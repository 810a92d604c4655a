#include "keys/krl.h"

#include <algorithm>
#include <limits>

#include "crypto/hash.h"
#include "wire/reader.h"

namespace sekisho::keys {
namespace {

constexpr std::uint64_t kMagic = 0x5353484b524c0a00;  // "SSHKRL\n\0"
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kMostFile = 16 * 1024 * 1024;
constexpr std::size_t kMostEntries = 1024 * 1024;
constexpr std::size_t kMostSections = 4096;
constexpr std::size_t kMostText = 4096;
constexpr std::size_t kMostBlob = 16 * 1024;

enum class Section : std::uint8_t { Certificates = 1, Keys = 2, Sha1 = 3, Signature = 4, Sha256 = 5, Extension = 255 };
enum class Serials : std::uint8_t { List = 0x20, Range = 0x21, Bitmap = 0x22, KeyId = 0x23, Extension = 0x39 };

std::unexpected<Error> malformed() { return fail("malformed key revocation list"); }

template <class T>
void sort_once(std::vector<T>& values) {
    std::ranges::sort(values);
    values.erase(std::ranges::unique(values).begin(), values.end());
}

/// Sorted, and touching or overlapping ones made one, so that a binary search finds the only candidate.
void join(std::vector<Krl::SerialRange>& ranges) {
    std::ranges::sort(ranges, {}, &Krl::SerialRange::first);
    std::vector<Krl::SerialRange> out;
    for (const Krl::SerialRange& range : ranges) {
        const bool touches = !out.empty() && (range.first <= out.back().last || range.first - out.back().last == 1);
        if (touches) {
            out.back().last = std::max(out.back().last, range.last);
        } else {
            out.push_back(range);
        }
    }
    ranges = std::move(out);
}

bool contains(const std::vector<Krl::SerialRange>& ranges, std::uint64_t serial) {
    const auto after = std::ranges::upper_bound(ranges, serial, {}, &Krl::SerialRange::first);
    return after != ranges.begin() && std::prev(after)->last >= serial;
}

bool contains(const Krl::SerialBitmap& bitmap, std::uint64_t serial) {
    if (serial < bitmap.offset) return false;
    const std::uint64_t bit = serial - bitmap.offset;
    if (bit / 8 >= bitmap.bits.size()) return false;
    const std::byte byte = bitmap.bits[bitmap.bits.size() - 1 - static_cast<std::size_t>(bit / 8)];
    return (std::to_integer<unsigned>(byte) >> (bit % 8) & 1U) != 0;
}

template <class T>
bool has(const std::vector<T>& sorted, const T& value) {
    return std::ranges::binary_search(sorted, value);
}

template <std::size_t N>
std::array<std::byte, N> exactly(BytesView bytes) {
    std::array<std::byte, N> out{};
    std::ranges::copy(bytes.first(N), out.begin());
    return out;
}

}  // namespace

/// One pass over the file, in the order of PROTOCOL.krl §1.
class KrlParser {
public:
    explicit KrlParser(BytesView file) : m_file(file) {}

    Result<Krl> parse() {
        wire::Reader reader(m_file);
        if (reader.u64() != kMagic) return fail("not a key revocation list");
        if (reader.u32() != kFormat) return fail("a key revocation list of an unknown version");
        m_krl.m_version = reader.u64();
        m_krl.m_generated = reader.u64();
        reader.u64();              // flags: "currently unused and ignored"
        reader.string(kMostText);  // reserved, likewise
        m_krl.m_comment = reader.text(kMostText);
        for (std::size_t count = 0; reader.ok() && !reader.empty(); ++count) {
            if (count == kMostSections) return too_much();
            const auto type = static_cast<Section>(reader.byte());
            if (Result<void> done = section(type, reader); !done) return std::unexpected(std::move(done.error()));
        }
        if (!reader.ok()) return malformed();
        for (Krl::Revoked& revoked : m_krl.m_certificates) {
            join(revoked.ranges);
            sort_once(revoked.key_ids);
        }
        sort_once(m_krl.m_blobs);
        sort_once(m_krl.m_sha1);
        sort_once(m_krl.m_sha256);
        return std::move(m_krl);
    }

private:
    static std::unexpected<Error> too_much() { return fail("a key revocation list is too long"); }

    Result<void> count_entry() {
        if (++m_entries > kMostEntries) return too_much();
        return {};
    }

    /// Runs through a section's data, one entry at a time.
    template <class ReadOne>
    Result<void> each(BytesView data, ReadOne read_one) {
        wire::Reader reader(data);
        while (!reader.empty()) {
            if (Result<void> counted = count_entry(); !counted) return counted;
            if (Result<void> one = read_one(reader); !one) return one;
            if (!reader.ok()) return malformed();
        }
        if (!reader.ok()) return malformed();
        return {};
    }

    Result<void> section(Section type, wire::Reader& reader) {
        // §5: a signature covers everything before it, so nothing but signatures may follow one.
        if (!m_krl.m_signers.empty() && type != Section::Signature) return malformed();
        const BytesView data = reader.string(kMostFile);
        if (!reader.ok()) return malformed();
        switch (type) {
            case Section::Certificates: return certificates(data);
            case Section::Keys:
                return each(data, [&](wire::Reader& entry) -> Result<void> {
                    const BytesView blob = entry.string(kMostBlob);
                    if (!entry.ok() || blob.empty()) return malformed();
                    m_krl.m_blobs.push_back(base::to_text(blob));
                    return {};
                });
            case Section::Sha1: return digests(data, m_krl.m_sha1);
            case Section::Sha256: return digests(data, m_krl.m_sha256);
            case Section::Signature: return signature(data, reader);
            case Section::Extension: return extension(data);
        }
        return fail("a key revocation list has an unknown section", std::to_string(static_cast<unsigned>(type)));
    }

    template <std::size_t N>
    Result<void> digests(BytesView data, std::vector<std::array<std::byte, N>>& into) {
        return each(data, [&](wire::Reader& entry) -> Result<void> {
            const BytesView digest = entry.string(N);
            if (!entry.ok() || digest.size() != N) return malformed();
            into.push_back(exactly<N>(digest));
            return {};
        });
    }

    /// string name, boolean critical, string contents. None is known to us.
    static Result<void> extension(BytesView data) {
        wire::Reader reader(data);
        const std::string name(reader.text(kMostText));
        const bool critical = reader.boolean();
        reader.string(kMostFile);
        if (!reader.finish("extension")) return malformed();
        if (critical) return fail("a key revocation list has an unknown critical extension", name);
        return {};
    }

    Result<void> certificates(BytesView data) {
        wire::Reader reader(data);
        Krl::Revoked revoked;
        revoked.authority = base::to_bytes(reader.string(kMostBlob));
        reader.string(kMostText);  // reserved
        while (reader.ok() && !reader.empty()) {
            if (Result<void> counted = count_entry(); !counted) return counted;
            const auto type = static_cast<Serials>(reader.byte());
            const BytesView entries = reader.string(kMostFile);
            if (!reader.ok()) return malformed();
            if (Result<void> done = serials(type, entries, revoked); !done) return done;
        }
        if (!reader.ok()) return malformed();
        m_krl.m_certificates.push_back(std::move(revoked));
        return {};
    }

    Result<void> serials(Serials type, BytesView data, Krl::Revoked& into) {
        switch (type) {
            case Serials::List:
                return each(data, [&](wire::Reader& entry) -> Result<void> {
                    const std::uint64_t serial = entry.u64();
                    if (!entry.ok() || serial == 0) return malformed();
                    into.ranges.push_back({serial, serial});
                    return {};
                });
            case Serials::Range: {
                wire::Reader reader(data);
                const std::uint64_t first = reader.u64();
                const std::uint64_t last = reader.u64();
                // Serial 0 is what a CA writes that does not number its certificates: it can not be revoked by number.
                if (!reader.finish("range") || first == 0 || first > last) return malformed();
                into.ranges.push_back({first, last});
                return {};
            }
            case Serials::Bitmap: {
                wire::Reader reader(data);
                const std::uint64_t offset = reader.u64();
                const BytesView bits = reader.mpint();
                if (!reader.finish("bitmap")) return malformed();
                if (offset == 0 || std::numeric_limits<std::uint64_t>::max() - offset < bits.size() * 8) return malformed();
                into.bitmaps.push_back({offset, base::to_bytes(bits)});
                return {};
            }
            case Serials::KeyId:
                return each(data, [&](wire::Reader& entry) -> Result<void> {
                    const std::string_view id = entry.text(kMostText);
                    if (!entry.ok()) return malformed();
                    into.key_ids.emplace_back(id);
                    return {};
                });
            case Serials::Extension: return extension(data);
        }
        return fail("a key revocation list has an unknown section", std::to_string(static_cast<unsigned>(type)));
    }

    /// `key_blob` was the section's data; the signature is a string behind it, over all that stands before it.
    Result<void> signature(BytesView key_blob, wire::Reader& reader) {
        const BytesView to_be_signed = m_file.first(m_file.size() - reader.rest().size());
        const BytesView signature = reader.string(kMostBlob);
        if (!reader.ok()) return malformed();
        if (m_krl.m_signers.size() == kMostSignatures) return too_much();
        Result<PublicKey> key = PublicKey::from_blob(key_blob);
        if (!key) return std::unexpected(std::move(key.error()));
        wire::Reader inner(signature);
        const std::string algorithm(inner.text(kMostText));
        if (Result<void> good = key->verify(algorithm, to_be_signed, signature); !good) {
            return fail("the signature of a key revocation list is wrong", good.error().full());
        }
        m_krl.m_signers.push_back(std::move(*key));
        return {};
    }

    static constexpr std::size_t kMostSignatures = 16;

    BytesView m_file;
    Krl m_krl;
    std::size_t m_entries = 0;
};

Result<Krl> Krl::parse(BytesView file) {
    if (file.size() > kMostFile) return fail("a key revocation list is too long");
    return KrlParser(file).parse();
}

Result<void> Krl::check(const PublicKey& key) const {
    const auto sha1 = exactly<20>(crypto::digest(crypto::HashKind::Sha1, {key.blob()}));
    const bool revoked =
        has(m_sha1, sha1) || has(m_sha256, crypto::sha256({key.blob()})) || has(m_blobs, base::to_text(key.blob()));
    if (revoked) return fail("the key is revoked", key.fingerprint());
    return {};
}

Result<void> Krl::check(const Certificate& certificate) const {
    if (Result<void> key = check(certificate.key()); !key) return key;
    if (!check(certificate.authority())) {
        return fail("the certificate's authority is revoked", certificate.authority().fingerprint());
    }
    const CertificateFields& fields = certificate.fields();
    for (const Revoked& revoked : m_certificates) {
        const bool ours = revoked.authority.empty() || std::ranges::equal(revoked.authority, certificate.authority().blob());
        if (!ours) continue;
        const bool by_serial =
            fields.serial != 0 &&
            (contains(revoked.ranges, fields.serial) ||
                std::ranges::any_of(revoked.bitmaps, [&](const auto& bitmap) { return contains(bitmap, fields.serial); }));
        if (by_serial || has(revoked.key_ids, fields.key_id)) {
            return fail("the certificate is revoked", "serial " + std::to_string(fields.serial));
        }
    }
    return {};
}

}  // namespace sekisho::keys
