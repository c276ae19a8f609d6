package dev.millrace.spec;

import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.Login;
import dev.millrace.spec.path.FilePaths;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.text.UrlCheck;
import java.util.Optional;
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
        Endpoint endpoint =
                endpoint(
                        form.url(),
                        form.username(),
                        password(form.password(), form.passwordFile()));
        if (form.reconcile() == null) {
            return endpoint;
        }
        Login login = login(form.reconcile(), form.username());
        return endpoint == null || login == null
                ? null
                : new Endpoint(
                        endpoint.url(),
                        endpoint.username(),
                        endpoint.password(),
                        Optional.of(login));
    }

    private @Nullable Login login(SpecForm.LoginForm form, @Nullable Scalar other) {
        Scalar username = form.username();
        Secret password = password(form.password(), form.passwordFile());
        checkName(username);
        if (username != null && other != null && username.text().equals(other.text())) {
            problems.add(
                    username,
                    "is the role that everything else connects as",
                    "name a role that only reads, or remove reconcile");
        }
        return username == null || password == null ? null : new Login(username.text(), password);
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
            new UrlCheck(problems.of(url)).check(url.text());
        }
        checkName(username);
        if (url == null || username == null || password == null) {
            return null;
        }
        return new Endpoint(paths.inUrl(url.text()), username.text(), password);
    }

    private void checkName(@Nullable Scalar username) {
        if (username != null && username.text().isBlank()) {
            problems.add(username, "is empty", "set it to the role to connect as");
        }
    }
}
