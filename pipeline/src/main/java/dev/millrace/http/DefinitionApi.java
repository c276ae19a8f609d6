package dev.millrace.http;

import dev.millrace.http.MigrationDefinition.TableDefinition;
import dev.millrace.preview.RowPreview;
import dev.millrace.spec.setting.EffectiveSetting;
import java.util.List;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/// What the migration is: `GET /api/v1/settings` and `GET /api/v1/tables`. Nothing is read from a
/// server. Thread-safe.
@RestController
@RequestMapping("/api/v1")
public final class DefinitionApi {

    private final MigrationHost host;

    DefinitionApi(MigrationHost host) {
        this.host = host;
    }

    record Settings(List<Setting> settings) {}

    /// @param origin `file`, `environment`, `option` or `default`
    record Setting(String key, String value, String origin, String place) {

        static Setting of(EffectiveSetting setting) {
            return new Setting(
                    setting.key(), setting.value(), setting.origin().id(), setting.place());
        }
    }

    record Tables(List<TableDefinition> tables) {}

    /// The settings that the process uses and where each comes from, without secrets.
    @GetMapping("/settings")
    Settings settings() {
        return new Settings(host.definition().settings().stream().map(Setting::of).toList());
    }

    /// Each target table with its SELECT, its key, and what a rollback cannot bring back exactly.
    @GetMapping("/tables")
    Tables tables() {
        return new Tables(host.definition().tables());
    }

    record Rows(List<RowPreview.Sample> rows) {}

    /// Some rows of the source with what becomes of them on the target. Values of sensitive columns
    /// are hashes.
    @GetMapping(path = "/rows", produces = MediaType.APPLICATION_JSON_VALUE)
    Rows rows(@RequestParam String table) {
        return new Rows(host.preview().of(table));
    }
}
