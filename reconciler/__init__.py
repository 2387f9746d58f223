"""Terraform-style reconciler for Azure Container Registry."""

__version__ = "0.1.0"
