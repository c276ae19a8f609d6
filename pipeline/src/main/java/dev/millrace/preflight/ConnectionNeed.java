package dev.millrace.preflight;

import dev.millrace.postgres.Database;
import dev.millrace.target.ApplierSettings;

/// The most sessions that one migration has at one time, a reconciliation included. A test counts
/// them in a running migration: a component that opens more sessions has its number here.
public final class ConnectionNeed {

    /// Of the engine: one for queries, another while it looks at the slot.
    private static final int ENGINE = 2;

    /// The watch of the publication, and a look at a table.
    private static final int CAPTURE = 2;

    private static final int WATERMARKS = 1;
    private static final int RECONCILIATION = 1;

    /// Without the session that replicates.
    public static final int SOURCE =
            Database.POOL_SIZE + ENGINE + CAPTURE + WATERMARKS + RECONCILIATION;

    private static final int OWNER = 1;
    private static final int WATCH = 1;
    private static final int CONTROL = 1;

    public static final int TARGET =
            Database.POOL_SIZE
                    + OWNER
                    + WATCH
                    + CONTROL
                    + ApplierSettings.Limits.standard().writers()
                    + RECONCILIATION;

    private ConnectionNeed() {}
}
