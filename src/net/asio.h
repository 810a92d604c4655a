// The one door to Boost.Asio: included by the .cpp files of net only, never by a header that others see. Asio's own code is
// compiled once, in asio.cpp; everywhere else only declarations are read, which keeps the build short.
#pragma once

#ifndef BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_ASIO_SEPARATE_COMPILATION
#endif

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "net/loop.h"
#include "net/pacer.h"

namespace sekisho::net {

/// What a Loop is made of, for the other files of net.
struct Loop::State {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{context.get_executor()};
    std::vector<std::byte> scratch;
    std::unique_ptr<Pacer> pacer;
};

}  // namespace sekisho::net
