package dev.millrace.trace;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;

/// The trace to which a record belongs and the span that wrote it, as W3C Trace Context formats it
/// in the header `traceparent`. A block has one header for each of its sampled transactions.
/// Immutable.
///
/// @param traceId 32 hexadecimal digits
/// @param spanId 16 hexadecimal digits
record TraceContext(String traceId, String spanId) {

    private static final String HEADER = "traceparent";
    private static final String SAMPLED = "01";

    static TraceContext of(long traceHigh, long traceLow, long span) {
        HexFormat hex = HexFormat.of();
        return new TraceContext(
                hex.toHexDigits(traceHigh) + hex.toHexDigits(traceLow), hex.toHexDigits(span));
    }

    TraceContext span(long id) {
        return new TraceContext(traceId, HexFormat.of().toHexDigits(id));
    }

    /// Headers that are not ours, or not valid, are left out.
    static List<TraceContext> read(Headers headers) {
        List<TraceContext> found = new ArrayList<>();
        for (Header header : headers.headers(HEADER)) {
            if (header.value() == null) {
                continue;
            }
            String[] parts = new String(header.value(), StandardCharsets.US_ASCII).split("-", -1);
            if (parts.length == 4 && parts[1].length() == 32 && parts[2].length() == 16) {
                found.add(new TraceContext(parts[1], parts[2]));
            }
        }
        return found;
    }

    void write(Headers headers) {
        headers.add(
                HEADER,
                ("00-" + traceId + "-" + spanId + "-" + SAMPLED)
                        .getBytes(StandardCharsets.US_ASCII));
    }

    static void remove(Headers headers) {
        headers.remove(HEADER);
    }
}
