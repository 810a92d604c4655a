// What each of our uses of libcurl in this folder needs: a list that frees itself, and the watch for the end. No thread of its own.
#pragma once

#include <atomic>
#include <memory>

#include <curl/curl.h>

namespace sekisho::notify {

inline constexpr long kConnectMilliseconds = 15'000;

struct ListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, ListFree>;

/// CURLOPT_XFERINFOFUNCTION with the std::atomic<bool> that says stop as its data.
inline int watch_stop(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return *static_cast<const std::atomic<bool>*>(user) ? 1 : 0;
}

}  // namespace sekisho::notify
