"""The faults that the project handles, with the tests of each, and so the promises of docs/operations.md.

A fault is met where it is cheapest to show: most by the module that refuses it, the rest in test_faults.py.
"""

HERE = "operations/test_faults.py"
REPEATS = "workflow/test_repeats.py"
TABLES, TRAINING, CORPORA = (
    "unit/tables/test_files.py",
    "unit/training/test_train.py",
    "unit/tasks/language/test_corpora.py",
)
TEXT_FILES = "unit/tasks/language/test_text_files.py"
CONFIG, BAD_CONFIG = "unit/config/test_study.py", "workflow/test_bad_config.py"
VISION = "unit/tasks/vision"
CLUSTER = "operations/test_cluster.py"

# The fault, as in the first column of the table in docs/operations.md, to its tests.
FAULTS: dict[str, list[str]] = {
    "SIGKILL of Snakemake, alone or with its jobs": [
        f"{REPEATS}::test_a_run_that_was_killed_goes_on_where_it_was_and_ends_in_the_same_bytes"
    ],
    "20 SIGKILLs, of jobs and of Snakemake, at random moments of the quick run": [
        f"{HERE}::test_twenty_kills_of_jobs_and_of_snakemake_at_random_moments_of_the_quick_run_change_no_byte"
    ],
    "a job fails": [f"{REPEATS}::test_after_a_failure_and_its_repair_nothing_old_is_left"],
    "two runs in one folder": [
        f"{HERE}::test_a_second_run_in_the_same_folder_is_refused_while_the_first_goes_on",
        "unit/tools/test_unlock.py::test_the_lock_stays_while_a_job_still_writes",
    ],
    "disk full": [f"{HERE}::test_a_full_disk_is_told_in_one_sentence_and_leaves_no_half_table"],
    "results folder that cannot be written": [f"{HERE}::test_a_read_only_results_folder_is_told_in_one_sentence"],
    "out of memory in a job": [f"{HERE}::test_memory_that_is_used_up_is_told_in_one_sentence"],
    "output truncated, overwritten, empty or foreign": [
        "workflow/test_stale.py::test_what_is_stale_is_made_again_and_then_nothing_is",
        "workflow/test_stale.py::test_bytes_changed_under_the_old_size_and_time_are_found_by_verify_and_made_again",
    ],
    "damaged or foreign Parquet file, read": [
        f"{TABLES}::test_a_wrong_file_is_refused_by_name_with_the_rule_that_makes_it",
        f"{TABLES}::test_a_flipped_bit_is_refused_or_harmless",
        f"{HERE}::test_an_edited_table_is_refused_or_holds_what_it_held",
    ],
    "`device: cuda` and no GPU": [
        "unit/training/test_stack.py::test_a_gpu_that_is_not_there_is_refused_with_the_remedy",
        "operations/test_profile.py::"
        "test_on_a_workstation_jobs_of_networks_take_turns_on_the_gpu_and_say_so_where_there_is_none",
    ],
    "a network diverges": [
        f"{TRAINING}::test_a_diverged_network_leaves_the_others_alone_and_is_reported",
        f"{TRAINING}::test_a_diverged_network_has_no_metrics",
    ],
    "all networks of a block diverge": [
        f"{TRAINING}::test_if_all_networks_diverge_the_job_ends_with_the_remedy",
        f"{TRAINING}::test_a_rate_that_is_far_too_high_ends_the_job_with_the_remedy",
    ],
    "file or link with nothing behind it, folder that cannot be listed": [
        "unit/preflight/test_own_files.py::test_a_file_or_link_with_nothing_behind_it_is_refused_by_study_and_path",
        "unit/core/test_folders.py::test_a_folder_that_cannot_be_listed_is_refused",
        f"{TEXT_FILES}::test_files_of_other_kinds_in_a_folder_are_told_and_broken_links_and_pipes_refused",
    ],
    "file names with braces, quotes, line breaks or bytes that are no UTF-8; folders in a circle of links": [
        f"{TEXT_FILES}::test_awkward_names_are_read_and_shown_in_one_line",
        "unit/core/test_folders.py::test_files_behind_links_are_found_and_a_circle_of_links_ends",
        "workflow/test_stale.py::test_data_are_prepared_anew_from_the_users_texts_if_and_only_if_these_changed",
    ],
    "text file empty, binary or wrongly encoded": [
        f"{CORPORA}::test_a_file_that_is_no_text_is_refused_by_name_and_place",
        f"{CORPORA}::test_a_folder_without_text_and_a_missing_path_are_refused",
        f"{TEXT_FILES}::test_a_text_that_cannot_be_decoded_is_refused_by_file_place_and_remedy",
        f"{CORPORA}::test_an_encoding_that_python_does_not_know_is_refused",
    ],
    "table of texts broken, cut off, without the column or without text in it": [
        f"{TEXT_FILES}::test_a_broken_table_is_refused_by_file_row_and_remedy",
        f"{TEXT_FILES}::test_a_parquet_file_that_is_cut_off_or_damaged_is_refused",
        f"{TEXT_FILES}::test_bytes_that_are_no_text_in_a_parquet_file_are_refused",
        f"{CORPORA}::test_a_dataset_without_the_column_or_split_is_refused",
    ],
    "rows without text": [
        f"{TEXT_FILES}::test_each_row_of_a_table_is_a_document_and_the_log_says_how_many_have_no_text",
        f"{CORPORA}::test_rows_without_text_are_counted",
    ],
    "Hugging Face split or subset that is not there or does not parse": [
        f"{CORPORA}::test_a_split_that_is_not_there_or_does_not_parse_is_refused",
        f"{CORPORA}::test_a_subset_of_a_saved_dataset_is_refused_since_it_has_none",
        f"{CORPORA}::test_a_missing_local_dataset_is_refused",
    ],
    "corpus that says one thing only": ["unit/tasks/test_text.py::test_a_corpus_that_says_one_thing_only_is_refused"],
    "corpus shorter than the context": ["unit/tasks/test_text.py::test_a_corpus_shorter_than_the_context_is_refused"],
    "image set without a class": ["unit/tasks/test_images.py::test_a_wrong_npz_file_is_refused_by_name"],
    "`.npz`, IDX or image file that is cut off, empty, foreign or damaged (21 kinds, and every place of a cut)": [
        f"{VISION}/test_sources.py::test_a_broken_or_foreign_npz_file_is_named_with_the_remedy",
        f"{VISION}/test_sources.py::test_a_broken_idx_file_is_named_wherever_it_is_cut",
        f"{VISION}/test_sources.py::test_a_broken_image_or_folder_is_named_with_the_remedy",
    ],
    "pixels on no known scale: negative, standardised, 12 bits, NaN … (15 kinds)": [
        f"{VISION}/test_arrays.py::test_pixels_on_no_known_scale_are_refused_with_their_range"
    ],
    "labels that are not one class per image (11 kinds)": [
        f"{VISION}/test_arrays.py::test_labels_that_are_not_one_class_per_image_are_refused",
        f"{VISION}/test_arrays.py::test_names_in_one_split_and_numbers_in_another_are_refused",
    ],
    "image folder without classes, images or a train split; several image sets; `path` of another kind than `source`": [
        f"{VISION}/test_sources.py::test_a_broken_image_or_folder_is_named_with_the_remedy",
        f"{VISION}/test_sources.py::test_a_folder_of_images_without_classes_is_refused",
        f"{VISION}/test_sources.py::test_two_image_sets_or_none_in_an_idx_folder_are_refused",
        "unit/tasks/test_images.py::test_a_path_that_does_not_fit_its_source_is_refused",
    ],
    "`.npz` with pickled objects": [f"{HERE}::test_code_in_an_npz_file_is_refused_and_not_run"],
    "config value of a wrong type or range, unknown key": [
        f"{CONFIG}::test_a_mistake_ends_in_one_message",
        f"{BAD_CONFIG}::test_a_bad_config_is_refused_in_one_message_before_any_job",
    ],
    "a name that the task, the model or the study has not": [f"{CONFIG}::test_a_mistake_ends_in_one_message"],
    "a schedule that empties a tensor": [
        "unit/preflight/test_tensors.py::test_a_schedule_that_empties_a_tensor_is_refused_with_the_round",
    ],
    "any config": ["unit/config/test_any_config.py::test_any_config_is_valid_or_refused_in_one_message"],
    "config file in another encoding": [f"{CONFIG}::test_a_file_that_is_no_config_is_named"],
    "config file that is no mapping, no YAML, or YAML that constructs objects": [
        f"{CONFIG}::test_a_file_that_is_no_config_is_named",
        f"{BAD_CONFIG}::test_a_bad_config_is_refused_in_one_message_before_any_job",
        f"{HERE}::test_any_file_is_a_config_or_refused_in_one_message",
    ],
    "config file that does not exist": [
        "unit/tools/test_command.py::test_a_config_file_that_is_not_there_is_named",
        f"{BAD_CONFIG}::test_a_config_file_that_does_not_exist_ends_the_run_by_name",
    ],
    "a mistyped argument of `make`, or variables that exclude each other": [
        "unit/tools/test_command.py::test_what_cannot_be_combined_is_refused_in_one_sentence",
        "unit/tools/test_command.py::test_an_argument_that_snakemake_refuses_while_it_starts_is_one_sentence",
    ],
    "Ctrl-C": [
        "unit/core/test_job.py::test_ctrl_c_is_no_error_and_a_warning_is_called_one",
        "unit/tools/test_progress.py::test_after_ctrl_c_no_job_counts_as_failed",
        "unit/tools/test_outcome.py::test_a_job_that_ctrl_c_ended_was_stopped",
        "unit/tools/test_status.py::test_a_job_that_ctrl_c_ended_has_not_failed",
    ],
    "`keep_by_tensor` names no tensor": [
        f"{BAD_CONFIG}::test_a_bad_config_is_refused_in_one_message_before_any_job",
        "unit/preflight/test_tensors.py::test_a_name_that_the_network_has_not_is_refused_with_those_that_it_has",
        "unit/pruning/test_masks.py::test_a_share_for_a_tensor_that_is_not_there_is_refused",
    ],
    "Slurm cancels a job": [f"{CLUSTER}::test_a_cancelled_job_and_a_drained_node_delay_a_run_and_change_no_byte"],
    "Slurm ends a job at its wall time": [
        f"{CLUSTER}::test_a_job_that_the_scheduler_ends_at_its_wall_time_is_run_again_with_twice_the_time"
    ],
    "a job fails under Slurm": [
        f"{CLUSTER}::test_a_job_that_fails_is_tried_with_more_memory_then_told_of_and_a_repaired_run_completes"
    ],
    "Snakemake killed, jobs in Slurm's queue": [
        f"{CLUSTER}::"
        "test_after_snakemake_was_killed_its_queued_jobs_are_waited_for_and_known_by_the_config_that_they_ran_with",
        f"{REPEATS}::test_what_a_job_wrote_that_outlived_its_snakemake_is_known_by_the_config_that_it_ran_with",
    ],
}
