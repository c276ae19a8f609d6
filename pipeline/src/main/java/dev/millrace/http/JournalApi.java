package dev.millrace.http;

import dev.millrace.journal.JournalPage;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// The journal of the migration: `GET /api/v1/journal`, in pages. For the next page, send the
/// number of the last entry as `after`; a page without entries is the end for now. Thread-safe.
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
public final class JournalApi {

    private static final String PAGE = "1000";
    private static final int MAX_PAGE = 10_000;

    private final MigrationHost host;

    JournalApi(MigrationHost host) {
        this.host = host;
    }

    /// Entries of the journal in their order: those with higher numbers than after.
    @GetMapping("/journal")
    JournalPage journal(
            @RequestParam(defaultValue = "0") long after,
            @RequestParam(defaultValue = PAGE) int limit) {
        if (after < 0) {
            throw JournalText.invalid("Invalid 'after'. Use the number of an entry, or 0.");
        }
        if (limit < 1 || limit > MAX_PAGE) {
            throw JournalText.invalid(
                    "Invalid limit. Use a number from 1 to %d.".formatted(MAX_PAGE));
        }
        return host.control().journal(after, limit);
    }
}
