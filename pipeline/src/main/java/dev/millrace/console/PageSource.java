package dev.millrace.console;

import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import java.time.Duration;

/// How one page is made.
///
/// @param self its address, by which its changing part is requested again
/// @param whole reads the values of the whole page
/// @param live reads those of the part that changes; of a page without one it is not called
/// @param every how often the changing part is read for an open page
record PageSource(
        Frame.Page page, String template, String self, Values whole, Values live, Duration every) {

    private static final Duration EVERY = Duration.ofSeconds(1);

    @FunctionalInterface
    interface Values {

        /// @throws dev.millrace.replication.RefusedException if the page has none, with the reason
        Object read(MigrationControl control, StatusReport status);
    }

    static PageSource of(Frame.Page page, String template, Values values) {
        return new PageSource(page, template, page.path(), values, values, EVERY);
    }

    PageSource at(String address) {
        return new PageSource(page, template, address, whole, live, every);
    }

    /// With other values for the part that changes, because the page needs more than that part.
    PageSource changing(Values values) {
        return new PageSource(page, template, self, whole, values, every);
    }

    /// For values that are queried from a database.
    PageSource every(Duration time) {
        return new PageSource(page, template, self, whole, live, time);
    }
}
