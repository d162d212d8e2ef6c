"""Backups: dated archives on a folder, Google Drive or an rclone remote; DVC's remote;
restore and drill.
"""
