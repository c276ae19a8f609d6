package dev.millrace.console;

import dev.millrace.http.MigrationHost;
import dev.millrace.lifecycle.Incident;
import dev.millrace.migration.MigrationControl;
import dev.millrace.migration.StatusReport;
import dev.millrace.replication.RefusedException;
import dev.millrace.stream.KnownTables.UnknownTableException;
import gg.jte.ContentType;
import gg.jte.TemplateEngine;
import gg.jte.output.StringOutput;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Renders pages. What cannot be read becomes a sentence on the page. Thread-safe.
final class Pages {

    private static final Logger LOGGER = LoggerFactory.getLogger(Pages.class);

    private static final TemplateEngine TEMPLATES =
            TemplateEngine.createPrecompiled(ContentType.Html);

    private final MigrationHost host;
    private final Samples samples;
    private final InstantSource clock;

    /// @param samples get the status of every page
    Pages(MigrationHost host, Samples samples, InstantSource clock) {
        this.host = host;
        this.samples = samples;
        this.clock = clock;
    }

    /// @param said what is wrong; may be empty
    /// @param csrf what the form must send back
    static String login(String said, String csrf) {
        StringOutput out = new StringOutput();
        TEMPLATES.render("console/login.jte", Map.of("csrf", csrf, "said", said), out);
        return out.toString();
    }

    String whole(PageSource source) {
        return render(source, source.whole(), false);
    }

    /// Only the part that changes; the whole page if it has none.
    String live(PageSource source) {
        return render(source, source.live(), true);
    }

    private String render(PageSource source, PageSource.Values values, boolean part) {
        StringOutput out = new StringOutput();
        Optional<MigrationControl> control = host.running();
        if (control.isEmpty()) {
            TEMPLATES.render(
                    "console/starting.jte", Frame.starting(source, part, Visitor.current()), out);
            return out.toString();
        }
        StatusReport status = host.status();
        samples.add(clock.instant(), status);
        Frame frame = Frame.of(status, source, part, Visitor.current());
        try {
            render(source.template(), frame, values.read(control.get(), status), out);
        } catch (RefusedException e) {
            render("unreadable", frame, e.getMessage() + ".", out);
        } catch (UnknownTableException e) {
            render("unreadable", frame, e.getMessage() + ".", out);
        } catch (RuntimeException e) {
            Incident incident = Incident.log(LOGGER, "a page could not be rendered", e);
            render(
                    "unreadable",
                    frame,
                    "The values of this page cannot be read now (incident "
                            + incident.id()
                            + "). Search the service's log for this id. The migration continues.",
                    out);
        }
        return out.toString();
    }

    private static void render(String template, Frame frame, Object page, StringOutput out) {
        TEMPLATES.render("console/" + template + ".jte", Map.of("frame", frame, "page", page), out);
    }
}
