"""The SCIM 2.0 server (RFC 7643, 7644): how the company's directory brings people in and lets them go.

Reading and validating is scim2-models'; what is done is accounts.provisioning's. Nothing here reads a session.
"""
