package dev.millrace.spec;

import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.path.FilePaths;
import org.jspecify.annotations.Nullable;

/// Checks the address of one database, or of PgBouncer's admin console, and reads its password.
final class EndpointCheck {

    private static final String ADMIN_CONSOLE = "pgbouncer";

    private final FilePaths paths;
    private final Problems problems;

    EndpointCheck(FilePaths paths, Problems problems) {
        this.paths = paths;
        this.problems = problems;
    }

    @Nullable Endpoint check(SpecForm.EndpointForm form) {
        return endpoint(
                form.url(), form.username(), password(form.password(), form.passwordFile()));
    }

    /// An admin console: its URL may be written as `host:port`.
    @Nullable Endpoint check(SwitchoverForm.PgBouncerForm form) {
        Scalar admin = form.admin();
        if (admin != null && admin.text().contains(",")) {
            problems.add(
                    admin,
                    "names several hosts, but each PgBouncer has its own pools and file",
                    "add one route per PgBouncer");
            admin = null;
        }
        if (admin != null && !admin.text().startsWith("jdbc:")) {
            admin =
                    admin.withText(
                            "jdbc:postgresql://" + admin.text().strip() + "/" + ADMIN_CONSOLE);
        }
        return endpoint(admin, form.username(), password(form.password(), form.passwordFile()));
    }

    private @Nullable Secret password(@Nullable Scalar password, @Nullable Scalar passwordFile) {
        return new SecretCheck(paths, problems, "password").check(password, passwordFile);
    }

    private @Nullable Endpoint endpoint(
            @Nullable Scalar url, @Nullable Scalar username, @Nullable Secret password) {
        if (url != null) {
            new UrlCheck(problems).check(url);
        }
        if (username != null && username.text().isBlank()) {
            problems.add(username, "is empty", "set it to the role to connect as");
        }
        if (url == null || username == null || password == null) {
            return null;
        }
        return new Endpoint(paths.inUrl(url.text()), username.text(), password);
    }
}
