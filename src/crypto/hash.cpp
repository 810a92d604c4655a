#include "crypto/hash.h"

#include "crypto/evp.h"

namespace sekisho::crypto {
namespace {

evp::DigestContext start(HashKind kind) {
    evp::DigestContext context(EVP_MD_CTX_new());
    SEKISHO_ASSERT(context != nullptr);
    SEKISHO_ASSERT(EVP_DigestInit_ex2(context.get(), evp::digest_algorithm(kind), nullptr) == 1);
    return context;
}

void add(EVP_MD_CTX* context, BytesView bytes) {
    SEKISHO_ASSERT(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

void end(EVP_MD_CTX* context, MutableBytes out) {
    unsigned written = 0;
    SEKISHO_ASSERT(EVP_DigestFinal_ex(context, base::uchars(out.data()), &written) == 1);
    SEKISHO_ASSERT(written == out.size());
}

void digest_into(HashKind kind, std::initializer_list<BytesView> parts, MutableBytes out) {
    const evp::DigestContext context = start(kind);
    for (const BytesView part : parts) add(context.get(), part);
    end(context.get(), out);
}

}  // namespace

std::size_t digest_size(HashKind kind) {
    switch (kind) {
        case HashKind::Sha1: return 20;
        case HashKind::Sha256: return 32;
        case HashKind::Sha384: return 48;
        case HashKind::Sha512: return 64;
    }
    SEKISHO_ASSERT(false && "a hash without size");
    return 0;
}

Bytes digest(HashKind kind, std::initializer_list<BytesView> parts) {
    Bytes out(digest_size(kind));
    digest_into(kind, parts, out);
    return out;
}

std::array<std::byte, 32> sha256(std::initializer_list<BytesView> parts) {
    std::array<std::byte, 32> out{};
    digest_into(HashKind::Sha256, parts, out);
    return out;
}

struct Hash::State {
    evp::DigestContext context;
    std::size_t size;
};

Hash::Hash(HashKind kind) : m_state(std::make_unique<State>(start(kind), digest_size(kind))) {}
Hash::Hash(Hash&&) noexcept = default;
Hash& Hash::operator=(Hash&&) noexcept = default;
Hash::~Hash() = default;

void Hash::update(BytesView bytes) {
    SEKISHO_ASSERT(m_state != nullptr);
    add(m_state->context.get(), bytes);
}

Bytes Hash::finish() {
    SEKISHO_ASSERT(m_state != nullptr);
    Bytes out(m_state->size);
    end(m_state->context.get(), out);
    m_state.reset();
    return out;
}

}  // namespace sekisho::crypto
