"""Every error of the line, grouped by what to do next.

    SyncError
    ├── RetryLater    nothing is wrong with the record: the same message is sent again, later
    ├── Rejected      the record can't pass as it is: it is parked for a person
    └── BadSettings   the installation must be corrected: a setting, a right, a column, a mapping

Each error carries one of `CODES`, so that logs, the ledger, parked records and the documentation use one name for
one cause. `docs/reference/errors.md` is made from that table.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """What a code means and what to do about it, in the words of the people who run GP and Dynamics 365."""

    meaning: str
    next_step: str


CODES: dict[str, Cause] = {
    # retry later
    "system_unreachable": Cause(
        "The other system did not answer.",
        "Check that the server and the network are up. Nothing is lost: it is tried again.",
    ),
    "throttled": Cause(
        "Dynamics 365 asked for a pause (service protection limit).",
        "Nothing: the pause is kept and it is tried again.",
    ),
    "gate_closed": Cause(
        "All the calls that GP365 allows itself to the other system at once were taken.",
        "Nothing: it is tried again. If it stays, see GP365_GP_LIMIT and GP365_DATAVERSE_LIMIT in docs/reference/settings.md.",
    ),
    "busy": Cause("A lock, a deadlock or a time-out in the other system.", "Nothing: it is tried again."),
    "in_progress": Cause("Another worker is writing this record.", "Nothing: it is tried again."),
    "changed_meanwhile": Cause(
        "The record changed while it was being written.", "Nothing: it is read afresh and tried again."
    ),
    "missing": Cause(
        "A record that has a counterpart was not found where it comes from.",
        "Nothing: it is looked for once more after ten minutes. Only when it is missing still does the mapping's `on_delete` act.",
    ),
    "parent_missing": Cause(
        "The record that this one belongs to is not in the other system yet.",
        "Nothing: that one goes first. While it is parked, this one waits: see `python -m sync parked list`.",
    ),
    "paused": Cause(
        "The flow or the whole company is paused.",
        "`python -m sync modes` tells why; `python -m sync resume` lets it go on. Nothing is lost: what changes waits.",
    ),
    "identity_changed": Cause(
        "GP or Dataverse is another one than it was: restored from an older copy, copied, refreshed, or the settings lead "
        "to another environment. The company is paused.",
        "Find out what was done. If the environment is the right one: `python -m sync resume --company C --after-restore`. "
        "If not: correct the settings, then `python -m sync resume --company C`.",
    ),
    # rejected: about the record
    "value_too_long": Cause(
        "A value is longer than the target column.", "Shorten the value in the source system, then retry."
    ),
    "value_invalid": Cause(
        "A value can't be converted for the target column.",
        "Correct the value in the source system, then retry.",
    ),
    "value_required": Cause(
        "A value that the target needs is empty.", "Fill in the value in the source system, then retry."
    ),
    "control_character": Cause(
        "A text holds a control character that the other system refuses.",
        "Retype the value in the source system, then retry.",
    ),
    "character_unknown": Cause(
        "A text holds a character that GP's code page 1252 lacks.",
        "Write it with other letters in the source system, then retry.",
    ),
    "email_invalid": Cause("An e-mail address is none.", "Correct the address in the source system, then retry."),
    "lookup_missing": Cause(
        "A code has no counterpart in its look-up table.",
        "Add the code to the look-up table (mapping file), then retry.",
    ),
    "lookup_ambiguous": Cause(
        "Several codes of a look-up table have this value: nobody can tell which one GP shall get.",
        "Choose the code in GP, or give each code a value of its own in the look-up table (mapping file), then retry.",
    ),
    "company_unknown": Cause(
        "Nothing says which GP company the record belongs to, or it is none of this installation.",
        "Fill in what the mapping's `company` reads, or correct that expression, then retry.",
    ),
    "company_ambiguous": Cause(
        "The record would belong to several GP companies.",
        "Correct what the mapping's `company` reads, or that expression, then retry.",
    ),
    "one_in_gp": Cause(
        "Two values that differ in Dynamics 365 are one and the same in GP, such as a bill-to and ship-to address.",
        "Make them equal, or give the customer another address code in GP, then retry.",
    ),
    "refused_by_target": Cause(
        "The target system refused the record.",
        "Read the reason, correct the record or the target's rules, then retry.",
    ),
    "refused_by_customisation": Cause(
        "A customisation of GP (a Pre or Post procedure of eConnect) refused the record.",
        "Ask whoever customised GP for the reason named here, then retry.",
    ),
    "not_set_up_in_gp": Cause(
        "GP does not know a code that the record names: payment terms, salesperson, tax schedule and the like.",
        "Set it up in GP, or correct it in Dynamics 365, then retry.",
    ),
    "not_writable": Cause(
        "A column of GP that GP365 can't change: a key, the code of an address, a total.",
        "Change it in GP, or take the field out of the way back (mapping), then retry.",
    ),
    "duplicate_in_target": Cause(
        "The target already holds another record with this key.",
        "Decide which one is right, then couple or delete, then retry.",
    ),
    "possible_duplicate": Cause(
        "The target may hold this record already, under no key of ours.",
        "Decide: `python -m sync couple RECORD --with ID` (the record of GP, the id of Dynamics 365) if it is that one, `--none` if it "
        "is another; many at once: `python -m sync match`.",
    ),
    "already_coupled": Cause(
        "The record, or the one it should be coupled with, is coupled already.",
        "Look at it with `python -m sync show RECORD`.",
    ),
    "values_differ": Cause(
        "Both sides hold different values in a field that a person decides about: they met for the first time "
        "(`first_sync: review`), or both were changed (`owner: review`), or it is not sure who changed it.",
        "Make both equal, in GP or in Dynamics 365, then retry; or `python -m sync parked resolve --record RECORD --take gp` "
        "or `d365`.",
    ),
    "approval_needed": Cause(
        "Dynamics 365 asks for something that GP decides about: a new customer, or a change of a field that is GP's own.",
        "`python -m sync parked resolve --record RECORD --take d365` approves it, `--take gp` puts GP's value back.",
    ),
    "deleted_in_source": Cause(
        "The record was deleted in the source system.", "Deactivate its counterpart by hand or discard this."
    ),
    "left_scope": Cause(
        "The record takes no part any more, by the mapping's `gp: scope`: its counterpart is left as it is.",
        "Delete the counterpart in Dynamics 365, then retry; or discard this, and it stays.",
    ),
    "another_person": Cause(
        "A name in GP was replaced by one that says hardly the same: perhaps another person by now. The contact keeps its name.",
        "The same person: `python -m sync parked resolve --record RECORD --take gp` renames the contact. Another one: `python -m "
        "sync uncouple RECORD`, then `python -m sync couple RECORD --none` makes a new contact; the old one stays as it is.",
    ),
    "deleted_in_target": Cause(
        "The counterpart was deleted in the target system.", "Restore it there, or uncouple, then retry."
    ),
    "key_reused": Cause(
        "The key now belongs to another record in GP.",
        "Check whether the customer was deleted and typed anew, then uncouple or retry.",
    ),
    "id_change_unclear": Cause(
        "A customer has the note index of another one that is coupled already: its id in GP may have been changed, or two "
        "customers share a note index.",
        "Compare it with the one named here. Another customer: `python -m sync couple RECORD --none`. The same one under a new "
        "id: `python -m sync uncouple` the old one, then `python -m sync couple RECORD --with ID`.",
    ),
    "account_merged": Cause(
        "The account of a customer was merged into another one, which belongs to another customer already, or is not there.",
        "Both customers are one: combine them in GP, this one into the other. The account is this one's: `python -m sync uncouple` "
        "the other, then retry. They are two: `python -m sync uncouple` this one, then `python -m sync couple RECORD --with ID` or "
        "`--none`.",
    ),
    "worker_killed": Cause(
        "The worker died each time it touched this record.",
        "Report it with the record's key; discard or retry after an update.",
    ),
    "source_unreadable": Cause(
        "The source system could not read this record.",
        "Correct the record in the source system, then retry.",
    ),
    # messages
    "message_unreadable": Cause(
        "A queue message is not one of ours.",
        "Find out who writes to the lane (`parked list --json` shows the message), then discard it.",
    ),
    "message_version": Cause(
        "A queue message comes from another version of GP365.",
        "Run the version that wrote it, then retry; to discard it loses the changes that it names.",
    ),
    "unknown_flow": Cause(
        "A queue message names a flow or company that is not installed.",
        "Install it again, then retry; to discard the message loses the changes that it names.",
    ),
    # webhooks
    "webhook_unreadable": Cause(
        "A webhook came in that can't be read.",
        "If Dynamics 365 sent it, report it: the change itself is caught up. If not, find out who knows the secret, and "
        "change it (docs/howto/webhooks.md). Then discard this.",
    ),
    "webhook_foreign": Cause(
        "Another Dataverse environment than the known one calls: perhaps a copy that took the webhooks along.",
        "Delete the service endpoint in the copy, or register the copy's own app there (docs/howto/webhooks.md). Then discard "
        "this. If it is the right environment: `python -m sync resume --company C --after-restore`.",
    ),
    "webhook_refused": Cause(
        "The app does not take the webhooks that would be registered.",
        "Set GP365_HOOK_SECRET in the app (the one before as GP365_HOOK_SECRET_OLD), wait until it has started again, and run "
        "`python -m sync register`.",
    ),
    "webhook_unavailable": Cause(
        "Dynamics 365 tells nothing about changes of a mapped table.",
        "Take the table out of the mappings, or its flow out of the installation.",
    ),
    # people
    "unknown_record": Cause(
        "Nothing is known under this name.",
        "Check pair, company and id. A record is known once a change of it was seen.",
    ),
    "run_taken": Cause(
        "Another command is going on with this run.",
        "Let it finish, or end it; then give the command again: it goes on at the place reached.",
    ),
    "unknown_run": Cause("There is no run of this name.", "Look it up with `python -m sync runs list`."),
    "no_evidence": Cause(
        "The mapping does not say by what records could be matched.",
        "Name the attributes under `evidence` in the mapping file (docs/reference/mapping.md).",
    ),
    "match_first": Cause(
        "A first load would make anew whatever the other side holds already, and nobody has looked for that yet.",
        "Make a match report with `python -m sync match`, and apply it; or `backfill --without-match`, if they are strangers all.",
    ),
    "match_file_unreadable": Cause(
        "A file is no match report, or was changed beyond its decisions.",
        "Make a new report with `python -m sync match`, and edit its decisions only.",
    ),
    "match_file_foreign": Cause(
        "A match report is about another pair, company or environment, or the mapping was changed since.",
        "Make a new report with `python -m sync match`; `--decisions OLD` takes over what was decided in the old one.",
    ),
    "match_decision_invalid": Cause(
        "Decisions in a match report can't be carried out: a word is unknown, or they contradict one another.",
        "Correct the rows named here, then apply the file again. Nothing was done.",
    ),
    "uncoupled": Cause(
        "A person took the record and its counterpart apart.",
        "Decide: `python -m sync couple RECORD --with ID` says which one it is, `--none` that it is a new one.",
    ),
    # settings
    "setting_missing": Cause("A setting is missing or malformed.", "Correct the setting named here."),
    "mapping_invalid": Cause("A mapping file is wrong.", "Correct the file at the line named here."),
    "sign_in_failed": Cause(
        "The sign-in was refused.", "Renew the password or secret, or correct the setting, named here."
    ),
    "right_missing": Cause("The account lacks a right.", "Grant the right named here."),
    "table_missing": Cause("A table is missing.", "Check the company database and its version."),
    "column_missing": Cause("A column is missing.", "Run `python -m sync provision`, or correct the mapping."),
    "tracking_off": Cause(
        "Dynamics 365 does not track what changes in a table that GP365 reads.", "Run `python -m sync provision`."
    ),
    "key_missing": Cause(
        "The alternate key is missing or not active yet.",
        "Run `python -m sync provision` and wait until the key is active.",
    ),
    "unexpected": Cause(
        "Something happened that GP365 does not know.", "Read the details; retry; report it if it stays."
    ),
}


class SyncError(Exception):
    """Something the line could not do. `message` says what and where; the code's next step says what now.

    `retry_after` is the pause in seconds that the other system asked for, if it did. `details` must never hold a
    secret or bank data: it reaches logs and the ledger.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        system: str = "",
        entity: str = "",
        key: str = "",
        details: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.system = system
        self.entity = entity
        self.key = key
        self.details = details
        self.retry_after = retry_after

    @property
    def next_step(self) -> str:
        return CODES[self.code].next_step

    def as_dict(self) -> dict[str, str]:
        """For the ledger, parked records and `--json`: everything a person needs, no secrets."""
        return {
            "code": self.code,
            "message": self.message,
            "next_step": self.next_step,
            "system": self.system,
            "entity": self.entity,
            "key": self.key,
            "details": self.details,
        }


class RetryLater(SyncError):
    """Nothing is wrong with the record; try the same message again later."""


class Rejected(SyncError):
    """The record can't pass as it is; a person must look at it."""


class BadSettings(SyncError):
    """The installation must be corrected before anything of this kind can pass."""


def surprise(error: Exception) -> str:
    """An error nobody thought of, told by its kind and place: its text may hold what no log may hold."""
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_qualname}, line {where.tb_lineno}" if where else "an unknown place"
    return f"{type(error).__name__} at {place}"
