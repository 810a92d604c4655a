// AES-GCM of SSH packets by libipsec-mb: one call per packet on arrays of ours, with the widest AES unit of the processor.
// Without SEKISHO_IPSEC_MB (another architecture, or a build without the library) nothing here is ever chosen.
#include <algorithm>
#include <climits>
#include <span>

#include "base/assert.h"
#include "crypto/aes_gcm.h"
#include "crypto/packet_cipher_families.h"

#ifdef SEKISHO_IPSEC_MB
#include <intel-ipsec-mb.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sekisho::crypto::aes_gcm {
namespace {

/// Of one key size.
struct Functions {
    aes_gcm_pre_t expand = nullptr;
    aes_gcm_enc_dec_t encrypt = nullptr;
    aes_gcm_enc_dec_t decrypt = nullptr;
};

struct Library {
    Functions aes128;
    Functions aes256;
    bool usable = false;
};

/// For dl_iterate_phdr: gives back the mapped pages of that object which contains the address, code and constants only. The
/// kernel maps those that are wanted again when they are.
int forget_pages_of(dl_phdr_info* object, std::size_t, void* address) {
    const std::span headers(object->dlpi_phdr, object->dlpi_phnum);
    const auto begin = [&](const ElfW(Phdr)& header) { return object->dlpi_addr + header.p_vaddr; };
    const auto wanted = reinterpret_cast<ElfW(Addr)>(address);
    const bool found = std::ranges::any_of(headers, [&](const ElfW(Phdr)& header) {
        return header.p_type == PT_LOAD && wanted >= begin(header) && wanted - begin(header) < header.p_memsz;
    });
    if (!found) return 0;
    const auto page = static_cast<ElfW(Addr)>(::sysconf(_SC_PAGESIZE));
    for (const ElfW(Phdr)& header : headers) {
        if (header.p_type != PT_LOAD || (header.p_flags & PF_W) != 0) continue;
        const ElfW(Addr) first = begin(header) / page * page;
        // Only of use, never needed: what it answers does not matter.
        (void)::madvise(reinterpret_cast<void*>(first), begin(header) + header.p_memsz - first, MADV_DONTNEED);
    }
    return 1;
}

/// The manager (200 kB: queues for jobs, which nobody here submits) is asked for its functions and given back: those of GCM
/// keep all their state in the key and the context that they are handed.
Library load() {
    IMB_MGR* manager = alloc_mb_mgr(0);
    if (manager == nullptr) return {};
    init_mb_mgr_auto(manager, nullptr);
    constexpr std::uint64_t kWanted = IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_SELF_TEST_PASS;
    Library library;
    library.aes128 = {manager->gcm128_pre, manager->gcm128_enc, manager->gcm128_dec};
    library.aes256 = {manager->gcm256_pre, manager->gcm256_enc, manager->gcm256_dec};
    library.usable = imb_get_errno(manager) == 0 && (manager->features & kWanted) == kWanted;
    free_mb_mgr(manager);
    // Its start and self-test went through 3 MB of code for other ciphers, of which GCM needs a tenth.
    ::dl_iterate_phdr(&forget_pages_of, reinterpret_cast<void*>(library.aes128.encrypt));
    return library;
}

const Library& library() {
    static const Library loaded = load();
    return loaded;
}

/// The expanded key and what the library keeps between its calls. Aligned as the library wants it, wiped in the end.
class Cipher {
public:
    explicit Cipher(const Secret& key) : m_functions(key.size() == 16 ? library().aes128 : library().aes256) {
        SEKISHO_ASSERT(library().usable && (key.size() == 16 || key.size() == 32));
        m_functions.expand(key.bytes().data(), &m_key);
    }
    Cipher(const Cipher&) = delete;
    Cipher& operator=(const Cipher&) = delete;
    ~Cipher() {
        base::wipe(std::as_writable_bytes(std::span(&m_key, 1)));
        base::wipe(std::as_writable_bytes(std::span(&m_context, 1)));
    }

    /// `packet` begins with the length field, which is authenticated only; `out` is where its rest goes.
    void encrypt(const Nonce& nonce, BytesView packet, std::byte* out, std::byte* tag) {
        run(m_functions.encrypt, nonce, packet, out, tag);
    }
    void decrypt(const Nonce& nonce, BytesView packet, std::byte* out, std::byte* tag) {
        run(m_functions.decrypt, nonce, packet, out, tag);
    }

private:
    void run(aes_gcm_enc_dec_t function, const Nonce& nonce, BytesView packet, std::byte* out, std::byte* tag) {
        const BytesView body = packet.subspan(kLength);
        function(&m_key, &m_context, base::uchars(out), base::uchars(body.data()), body.size(), nonce.bytes(),
                 base::uchars(packet.data()), kLength, base::uchars(tag), kTag);
    }

    alignas(64) gcm_key_data m_key;
    gcm_context_data m_context;
    const Functions& m_functions;
};

class IpsecMbSealer final : public PacketSealer {
public:
    IpsecMbSealer(const Secret& key, const Secret& iv) : m_cipher(key), m_nonce(iv) {}

    PacketShape shape() const override { return kShape; }

    void seal(std::uint32_t, BytesView packet, MutableBytes out) override {
        SEKISHO_ASSERT(packet.size() > kLength && packet.size() <= INT_MAX && out.size() == packet.size() + kTag);
        m_cipher.encrypt(m_nonce, packet, out.data() + kLength, out.data() + packet.size());
        m_nonce.next();
        std::memmove(out.data(), packet.data(), kLength);
    }

private:
    Cipher m_cipher;
    Nonce m_nonce;
};

class IpsecMbOpener final : public PacketOpener {
public:
    IpsecMbOpener(const Secret& key, const Secret& iv) : m_cipher(key), m_nonce(iv) {}

    PacketShape shape() const override { return kShape; }
    std::size_t prefix() const override { return kLength; }
    std::uint32_t length(std::uint32_t, BytesView prefix_bytes) override {
        SEKISHO_ASSERT(prefix_bytes.size() >= kLength);
        return load_be32(prefix_bytes.data());
    }

    // Decrypts while it computes the tag; the caller never sees that text, because a wrong tag ends the connection.
    bool open(std::uint32_t, MutableBytes packet_and_tag) override {
        if (packet_and_tag.size() <= kLength + kTag || packet_and_tag.size() > INT_MAX) return false;
        const MutableBytes packet = packet_and_tag.first(packet_and_tag.size() - kTag);
        std::array<std::byte, kTag> tag;
        m_cipher.decrypt(m_nonce, packet, packet.data() + kLength, tag.data());
        m_nonce.next();
        const bool good = base::equal_constant_time(tag, packet_and_tag.last(kTag));
        // The tag of a forged packet is the one that the forger would have needed.
        base::wipe(tag);
        return good;
    }

private:
    Cipher m_cipher;
    Nonce m_nonce;
};

}  // namespace

bool has_ipsec_mb() noexcept { return library().usable; }

std::unique_ptr<PacketSealer> make_ipsec_mb_sealer(const Secret& key, const Secret& iv) {
    return std::make_unique<IpsecMbSealer>(key, iv);
}

std::unique_ptr<PacketOpener> make_ipsec_mb_opener(const Secret& key, const Secret& iv) {
    return std::make_unique<IpsecMbOpener>(key, iv);
}

}  // namespace sekisho::crypto::aes_gcm

#else

namespace sekisho::crypto::aes_gcm {

bool has_ipsec_mb() noexcept { return false; }

std::unique_ptr<PacketSealer> make_ipsec_mb_sealer(const Secret&, const Secret&) {
    SEKISHO_ASSERT(false && "a build without libipsec-mb");
    return nullptr;
}

std::unique_ptr<PacketOpener> make_ipsec_mb_opener(const Secret&, const Secret&) {
    SEKISHO_ASSERT(false && "a build without libipsec-mb");
    return nullptr;
}

}  // namespace sekisho::crypto::aes_gcm

#endif
