package dev.millrace.preflight;

import dev.millrace.postgres.Server;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Findings;
import dev.millrace.preflight.plan.Findings.Measured;
import dev.millrace.preflight.plan.Remedy;
import java.util.List;

/// Checks the version and the encoding of a server.
final class ServerVersion {

    private static final int OLDEST = 14;
    private static final int NEWEST = 18;

    private ServerVersion() {}

    static List<Finding> judge(CheckName check, Server.Facts server) {
        Findings findings = new Findings(check);
        String object = "PostgreSQL " + server.version();
        Measured measured =
                new Measured(String.valueOf(server.majorVersion()), OLDEST + " to " + NEWEST);
        if (server.majorVersion() < OLDEST) {
            findings.refuse(
                    object,
                    measured,
                    "is older than " + OLDEST + ", the oldest supported version",
                    Remedy.byHand("Upgrade the server first."));
        } else if (server.majorVersion() > NEWEST) {
            findings.warn(
                    object,
                    measured,
                    "is newer than " + NEWEST + ", the newest tested version",
                    Remedy.byHand("Run reconcile before you rely on the target."));
        }
        return findings.orOk(object, measured, "is supported");
    }

    static List<Finding> encoding(CheckName check, Server.Facts server) {
        Findings findings = new Findings(check);
        if (!server.encoding().equals("UTF8")) {
            findings.refuse(
                    "database " + server.database(),
                    new Measured(server.encoding(), "UTF8"),
                    "has the encoding "
                            + server.encoding()
                            + ", but texts are carried as UTF-8 and would change",
                    Remedy.byHand("Use a database with ENCODING 'UTF8'."));
        }
        return findings.orOk("database " + server.database(), "has the encoding UTF8");
    }
}
