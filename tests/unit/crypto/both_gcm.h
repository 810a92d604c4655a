// Runs a check with OpenSSL's AES-GCM and with that of libipsec-mb, where this build and the processor have it.
#pragma once

#include <gtest/gtest.h>

#include "crypto/aes_gcm.h"

namespace sekisho::test {

template <class Check>
void with_both_gcm(const Check& check) {
    namespace aes_gcm = crypto::aes_gcm;
    const aes_gcm::Backend before = aes_gcm::backend();
    for (const aes_gcm::Backend backend : {aes_gcm::Backend::OpenSsl, aes_gcm::Backend::IpsecMb}) {
        if (backend == aes_gcm::Backend::IpsecMb && !aes_gcm::has_ipsec_mb()) continue;
        SCOPED_TRACE(backend == aes_gcm::Backend::OpenSsl ? "OpenSSL" : "libipsec-mb");
        aes_gcm::force(backend);
        check();
    }
    aes_gcm::force(before);
}

}  // namespace sekisho::test
